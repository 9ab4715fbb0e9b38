//! An error and its sources.

use std::error::Error as StdError;

use crate::care::unless_it_panics;

/// How far a chain of sources is followed: an error may make up a new source each time it is asked.
const MOST: usize = 1_000;

/// The error and all its sources, outermost first.
///
/// It ends at an error that it has met before: `source` is user code, and may lead in a circle.
pub(crate) fn causes<'e>(
    error: &'e (dyn StdError + 'static),
) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    // Brent's algorithm: one that was met is kept, a later one each time the distance doubles.
    let (mut met, mut distance, mut most) = (error, 0, 1);
    let mut next = Some(error);
    let chain = std::iter::from_fn(move || {
        let error = next?;
        next = source_of(error).filter(|source| !is_same(*source, met));
        distance += 1;
        if distance == most {
            (met, distance, most) = (error, 0, most * 2);
        }
        Some(error)
    });
    chain.take(MOST)
}

/// What an error names as its cause. It is user code: one that panics has none.
pub(super) fn source_of<'e>(
    error: &'e (dyn StdError + 'static),
) -> Option<&'e (dyn StdError + 'static)> {
    unless_it_panics(|| error.source()).flatten()
}

/// Whether both are one object. A newtype and what is inside it have one address and two vtables.
/// One type may have two vtables, too; but each round of a circle makes its references in the same
/// places of the program, so that after a round they are equal.
#[allow(ambiguous_wide_pointer_comparisons)]
fn is_same(one: &(dyn StdError + 'static), other: &(dyn StdError + 'static)) -> bool {
    std::ptr::eq(one, other)
}
