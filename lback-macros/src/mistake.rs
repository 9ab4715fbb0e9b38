//! Collects mistakes, so that all are reported at once.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

/// The mistakes found so far.
#[derive(Default)]
pub(crate) struct Mistakes(Option<syn::Error>);

impl Mistakes {
    /// Notes a mistake that `tokens` make.
    pub(crate) fn add(&mut self, tokens: impl ToTokens, message: impl std::fmt::Display) {
        self.absorb(syn::Error::new_spanned(tokens, message));
    }

    /// Notes what a parser complains about.
    pub(crate) fn absorb(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// The value, if there is one; otherwise notes its error.
    pub(crate) fn value<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.absorb(error)).ok()
    }

    /// `value`, if there was no mistake at all.
    pub(crate) fn finish<T>(self, value: Option<T>) -> syn::Result<T> {
        match (self.0, value) {
            (Some(error), _) => Err(error),
            (None, Some(value)) => Ok(value),
            (None, None) => Err(syn::Error::new(
                proc_macro2::Span::call_site(),
                "this attribute could not be read",
            )),
        }
    }
}

/// The item, which is always left in place, followed by what the macro adds to it, or the mistakes.
///
/// The item comes first: rust-analyzer takes the first occurrence of a span for the real one.
pub(crate) fn beside(item: &TokenStream, added: syn::Result<TokenStream>) -> TokenStream {
    let added = added.unwrap_or_else(|error| error.to_compile_error());
    quote!(#item #added)
}
