//! Receivers that the program says must be there.

use std::any::TypeId;

use super::Listing;
use crate::error::Problem;
use crate::receiver::{Place, Registration};

/// What `expect_receivers!` names.
// Not public API. Used by generated code.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum Expected {
    /// A function, by its path.
    Function(fn() -> TypeId, &'static str),
    /// A receiver, by its id or its path.
    Id(&'static str),
}

/// One use of `expect_receivers!`.
// Not public API. Used by generated code.
#[doc(hidden)]
#[derive(Debug)]
pub struct Expectation {
    pub all: &'static [Expected],
    pub place: Place,
}

inventory::collect!(Expectation);

/// What was expected and is not there.
pub(super) fn missing(listings: &[Listing]) -> Vec<Problem> {
    let mut expectations: Vec<&Expectation> = inventory::iter::<Expectation>.into_iter().collect();
    // The linker's order is never seen.
    expectations.sort_by_key(|it| (it.place.file, it.place.line, it.place.column));
    let is_there = |expected: &Expected| {
        // Not by their order: in a circle there is none.
        let mut members = listings.iter().flat_map(Listing::members);
        members.any(|receiver| expected.is(receiver.registration()))
    };
    expectations
        .iter()
        .flat_map(|expectation| expectation.all.iter().map(|it| (it, expectation.place)))
        .filter(|(expected, _)| !is_there(expected))
        .map(|(expected, place)| Problem::Expected {
            receiver: match *expected {
                Expected::Function(_, path) | Expected::Id(path) => path,
            },
            is_linked: matches!(expected, Expected::Function(..)),
            place,
        })
        .collect()
}

impl Expected {
    fn is(&self, receiver: &Registration) -> bool {
        match *self {
            Self::Function(key, _) => receiver.function() == key(),
            Self::Id(id) => receiver.id == id || receiver.path == id,
        }
    }
}

/// Says which receivers a program must have, and refuses to make a session without them.
///
/// A crate that only stands in `Cargo.toml` is not linked, and its receivers are not there; nothing
/// else can notice, for what is not linked has no voice. Write this into the *program*, beside
/// `main`, and not into a test, which may link what the program does not.
///
/// - A path, `handlers::audit`, names the function, and with it the crate: so it is linked.
/// - A text names a receiver by its `id`, or by its path, where the function is private.
///
/// The first session of the process, and [`verify`](crate::verify), fail with all that is missing
/// ([`Problem::Expected`](crate::listing::Problem::Expected)).
///
/// ```standalone_crate
/// use lback::sqlite::{prelude::*, users::*};
///
/// mod handlers {
///     use super::*;
///
///     #[receiver(user_post_create)]
///     pub fn note(user: &User) {}
///
///     #[receiver(user_post_create, after_commit, id = "mail.welcome")]
///     fn welcome(user: &User) {}
/// }
///
/// lback::expect_receivers![handlers::note, "mail.welcome"];
///
/// fn main() -> lback::Result<()> {
///     lback::verify()?;
///     Ok(())
/// }
/// ```
#[macro_export]
macro_rules! expect_receivers {
    ($($expected:tt)*) => {
        const _: () = {
            const PLACE: $crate::listing::Place = $crate::listing::Place {
                file: ::core::file!(),
                line: ::core::line!(),
                column: ::core::column!(),
            };
            const ALL: &[$crate::__private::Expected] =
                $crate::__expected!([] $($expected)*);
            $crate::__private::inventory::submit! {
                $crate::__private::Expectation { all: ALL, place: PLACE }
            }
        };
    };
}

/// One after the other: each is a path or a text.
#[doc(hidden)]
#[macro_export]
macro_rules! __expected {
    ([$($done:expr,)*] $(,)?) => { &[$($done),*] };
    ([$($done:expr,)*] $id:literal $(, $($rest:tt)*)?) => {
        $crate::__expected!([$($done,)* $crate::__private::Expected::Id($id),] $($($rest)*)?)
    };
    ([$($done:expr,)*] $function:path $(, $($rest:tt)*)?) => {
        $crate::__expected!(
            [$($done,)* $crate::__private::Expected::Function(
                || $crate::__private::type_id_of_val(&$function),
                ::core::stringify!($function),
            ),]
            $($($rest)*)?
        )
    };
}
