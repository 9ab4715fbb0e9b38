//! A field of a signal's arguments, as a plain reference.

/// What a field lends: if it is a reference itself, what it refers to.
///
/// `&args.user` is a `&&User`, which becomes a `&User` by itself, but of a parameter with another type the compiler
/// would say that it found a `&&User`, which nobody wrote. `(&args.user).__lent()` is a `&User`: of a field that is
/// a reference, the compiler finds the method at once, and of any other by borrowing once more.
// Not public API. Used by generated code.
#[doc(hidden)]
pub trait Lend {
    type Lent<'f>
    where
        Self: 'f;

    fn __lent(&self) -> Self::Lent<'_>;
}

impl<'a, T: ?Sized> Lend for &'a T {
    type Lent<'f>
        = &'a T
    where
        Self: 'f;

    #[inline]
    fn __lent(&self) -> &'a T {
        self
    }
}

impl<T: ?Sized> Lend for &mut T {
    type Lent<'f>
        = &'f T
    where
        Self: 'f;

    #[inline]
    fn __lent(&self) -> &T {
        self
    }
}
