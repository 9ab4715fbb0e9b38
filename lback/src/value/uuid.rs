//! Ids that are given without asking anybody.

use std::cell::RefCell;
use std::time::SystemTime;

/// How many random bytes an id takes.
const RANDOM: usize = 10;

/// Random bytes for this many ids are asked for at once: it is a call of the operating system.
const AT_ONCE: usize = 256;

struct Pool {
    bytes: [u8; RANDOM * AT_ONCE],
    used: usize,
}

impl Pool {
    fn take(&mut self) -> Option<[u8; RANDOM]> {
        if self.used == self.bytes.len() {
            getrandom::fill(&mut self.bytes).ok()?;
            self.used = 0;
        }
        let taken = &self.bytes[self.used..self.used + RANDOM];
        self.used += RANDOM;
        taken.try_into().ok()
    }
}

thread_local! {
    static POOL: RefCell<Pool> = const {
        RefCell::new(Pool {
            bytes: [0; RANDOM * AT_ONCE],
            used: RANDOM * AT_ONCE,
        })
    };
}

/// A UUID of version 7 (RFC 9562): its time comes first, so that those of one time lie together in an index,
/// and 74 bits of it are random. None if the operating system has no random numbers.
pub(crate) fn uuid_v7() -> Option<String> {
    let random = POOL.with_borrow_mut(Pool::take)?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let millis = now.map_or(0, |now| now.as_millis()).to_be_bytes();
    let mut bytes = [0_u8; 16];
    bytes[..6].copy_from_slice(&millis[10..]);
    bytes[6..].copy_from_slice(&random);
    bytes[6] = bytes[6] & 0x0f | 0x70;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (i, byte) in bytes.into_iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for digit in [byte >> 4, byte & 0x0f] {
            text.extend(char::from_digit(digit.into(), 16));
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::uuid_v7;

    #[test]
    fn ids_are_of_version_7_and_never_equal() {
        let ids: HashSet<_> = (0..10_000).filter_map(|_| uuid_v7()).collect();
        assert_eq!(ids.len(), 10_000);
        for id in &ids {
            let parts: Vec<_> = id.split('-').map(str::len).collect();
            assert_eq!(parts, [8, 4, 4, 4, 12], "{id}");
            assert!(
                id.as_bytes()[14] == b'7' && b"89ab".contains(&id.as_bytes()[19]),
                "{id}"
            );
        }
    }
}
