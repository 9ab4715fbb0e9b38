//! As much of the format ELF as it takes to find the list of constructors.

use std::ops::Range;

const PT_DYNAMIC: usize = 2;
const DT_INIT_ARRAYSZ: usize = 27;

/// Writes into a 64-bit program of this machine that its list of constructors has no entries.
pub(crate) fn without_constructors(mut program: Vec<u8>) -> Vec<u8> {
    let size = size_of_constructors(&program).expect("a program has constructors");
    program[size].fill(0);
    program
}

/// Where the dynamic section says how long the list is.
fn size_of_constructors(program: &[u8]) -> Option<Range<usize>> {
    assert_eq!(&program[..5], b"\x7fELF\x02", "a 64-bit program");
    let headers = number(program, 0x20..0x28);
    let (length, count) = (number(program, 0x36..0x38), number(program, 0x38..0x3a));
    let mut headers = (0..count).map(|i| headers + i * length);
    let dynamic = headers.find(|&at| number(program, at..at + 4) == PT_DYNAMIC)?;
    let start = number(program, dynamic + 0x08..dynamic + 0x10);
    let length = number(program, dynamic + 0x20..dynamic + 0x28);
    (start..start + length)
        .step_by(16)
        .find(|&entry| number(program, entry..entry + 8) == DT_INIT_ARRAYSZ)
        .map(|entry| entry + 8..entry + 16)
}

fn number(program: &[u8], at: Range<usize>) -> usize {
    let mut bytes = [0; 8];
    let length = at.len();
    bytes[..length].copy_from_slice(&program[at]);
    usize::try_from(u64::from_le_bytes(bytes)).expect("an offset in a file that is in memory")
}
