//! The statements before a call of a receiver, which make what is passed to it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Path, Type};

use super::valid::{Exclusive, Keep, Shared, State};
use crate::name::number_of;

/// The statements before a call, and what is passed to it.
pub(super) struct Call<'a> {
    signal: &'a Path,
    /// First, states are cloned out, while nothing borrows the session.
    pub(super) states: TokenStream,
    /// Then arguments are borrowed or copied.
    pub(super) lets: TokenStream,
    /// Last, and for an effect inside its closure, whatever was copied is borrowed.
    pub(super) borrows: TokenStream,
    pub(super) passed: Vec<Ident>,
}

impl<'a> Call<'a> {
    pub(super) fn of(signal: &'a Path) -> Self {
        Self {
            signal,
            states: TokenStream::new(),
            lets: TokenStream::new(),
            borrows: TokenStream::new(),
            passed: Vec::new(),
        }
    }

    /// A name of its own, never the parameter's: `fn user(user: &User)` calls the function `user`.
    pub(super) fn local(&mut self, place: Span) -> Ident {
        let local = format_ident!("__lback_{}", self.passed.len(), span = located(place));
        self.passed.push(local.clone());
        local
    }

    pub(super) fn bind(&mut self, place: Span, ty: impl ToTokens, value: &TokenStream) {
        let local = self.local(place);
        self.lets
            .extend(quote_spanned!(located(place)=> let #local: #ty = #value;));
    }

    pub(super) fn bind_later(&mut self, place: Span, ty: impl ToTokens, value: &TokenStream) {
        let local = self.local(place);
        self.borrows
            .extend(quote_spanned!(located(place)=> let #local: #ty = #value;));
    }

    pub(super) fn signal(&mut self, shared: &Shared) {
        let signal = self.signal;
        let info = Ident::new("info", located(shared.place));
        self.lets.extend(quote_spanned! {located(signal.span())=>
            let #info = <#signal as ::lback::__private::Signal>::INFO;
        });
        self.bind(shared.place, &shared.ty, &info.into_token_stream());
    }

    pub(super) fn changed(&mut self, name: &Ident, exclusive: &Exclusive) {
        let args = args(exclusive.place);
        let value = quote_spanned! {located(exclusive.place)=>
            ::lback::__private::Changeable::change(&mut #args.#name)
        };
        self.bind(exclusive.place, &exclusive.ty, &value);
    }

    pub(super) fn copied(&mut self, name: &Ident, place: Span, ty: &Type) {
        let lent = lent(name, place);
        let named = self.if_given(name, place, ty);
        let value = quote_spanned! {located(place)=>
            <#named as ::core::clone::Clone>::clone(#lent)
        };
        self.bind(place, ty, &value);
    }

    fn if_given(&self, name: &Ident, place: Span, ty: impl ToTokens) -> TokenStream {
        let given = given(self.signal, name, place, ty);
        quote_spanned!(located(place)=> #given::Itself)
    }

    pub(super) fn state(&mut self, shared: &State, session: &TokenStream) {
        let local = self.local(shared.place);
        let (ty, referent) = (&shared.ty, &shared.ty.elem);
        let kept = format_ident!("{local}_kept");
        if let Some(ty) = &shared.optional {
            self.states.extend(quote_spanned! {located(shared.place)=>
                let #kept: ::core::option::Option<::std::sync::Arc<#referent>> =
                    #session.__state_if_there::<#referent>();
            });
            self.borrows.extend(quote_spanned! {located(shared.place)=>
                let #local: #ty = #kept.as_deref();
            });
            return;
        }
        self.states.extend(quote_spanned! {located(shared.place)=>
            let #kept: ::std::sync::Arc<#referent> = #session.__state::<#referent>()?;
        });
        self.borrows
            .extend(quote_spanned!(located(shared.place)=> let #local: #ty = &*#kept;));
    }

    /// An argument out of what was stored.
    pub(super) fn read(&mut self, name: &Ident, form: &Keep, payload: &Ident) {
        let (place, ty) = form.place_and_type();
        let argument = argument(self.signal, name, form);
        let read = quote_spanned!(located(place)=> #argument.read(#payload)?);
        let given = given(self.signal, name, place, &ty);
        match form {
            Keep::Owned(_) => {
                let owned = quote_spanned!(located(place)=> #given::owned(#read));
                self.bind(place, &ty, &owned);
            }
            Keep::Shared(shared) => {
                let local = self.local(place);
                let ty = &shared.ty;
                let kept = format_ident!("{local}_kept");
                self.lets
                    .extend(quote_spanned!(located(place)=> let #kept = #read;));
                self.borrows.extend(quote_spanned! {located(place)=>
                    let #local: #ty = #given::lent(::core::borrow::Borrow::borrow(&*#kept));
                });
            }
        }
    }

    /// A copy, which an effect's closure owns.
    pub(super) fn kept(&mut self, name: &Ident, shared: &Shared) {
        let (local, lent) = (self.local(shared.place), lent(name, shared.place));
        let ty = &shared.ty;
        let kept = format_ident!("{local}_kept");
        let named = self.if_given(name, shared.place, &ty.elem);
        self.lets.extend(quote_spanned! {located(shared.place)=>
            let #kept: #ty = #lent;
            let #kept = <#named as ::std::borrow::ToOwned>::to_owned(#kept);
        });
        self.borrows.extend(quote_spanned! {located(shared.place)=>
            let #local: #ty = ::core::borrow::Borrow::borrow(&#kept);
        });
    }
}

/// An argument that is stored. Writing and reading ask its type for the same in the same words, and what is
/// missing is reported once.
pub(super) fn argument(signal: &Path, name: &Ident, form: &Keep) -> TokenStream {
    let (place, ty) = form.place_and_type();
    let has = has_argument(signal, signal, name, place);
    // In the place of the type: it is what cannot be stored.
    let given = quote_spanned! {ty.span()=>
        <#has::Itself as ::lback::__private::IfGiven<#ty>>::Itself
    };
    let text = name.unraw().to_string();
    let argument = match form {
        Keep::Shared(_) => quote_spanned!(located(place)=> ::lback::__private::argument),
        Keep::Owned(_) => quote_spanned!(located(place)=> ::lback::__private::owned_argument),
    };
    quote_spanned!(located(place)=> #argument::<#given>(#text))
}

/// `&args.name` without what is a reference in it, in the parameter's place, so that the compiler reports it
/// there.
pub(super) fn lent(name: &Ident, place: Span) -> TokenStream {
    let args = args(place);
    quote_spanned!(located(place)=> (&#args.#name).__lent())
}

/// The parameter's type, by way of the signal's having the argument: if it has none, that is said, and nothing
/// of what else its type would lack.
fn given(signal: &Path, name: &Ident, place: Span, ty: impl ToTokens) -> TokenStream {
    let has = has_argument(signal, signal, name, place);
    quote_spanned! {located(place)=>
        <#has::Itself as ::lback::__private::IfGiven<#ty>>
    }
}

/// The signal as that which has this argument; elsewhere, its name stands as a number.
///
/// `checked` is the signal too, perhaps by way of arguments before this one.
pub(super) fn has_argument(
    checked: &impl ToTokens,
    signal: &Path,
    name: &Ident,
    place: Span,
) -> TokenStream {
    let number = number_of(&name.unraw().to_string());
    let declared = |signal: &dyn ToTokens| quote_spanned!(located(place)=> <#signal as ::lback::__private::Declared>);
    let (checked, declared) = (declared(checked), declared(signal));
    quote_spanned! {located(place)=>
        <#checked::Itself as ::lback::__private::HasArgument<#number, #declared::Arguments>>
    }
}

/// The session through which the signal is sent.
pub(super) fn sending(place: Span) -> TokenStream {
    let args = args(place);
    quote_spanned!(located(place)=> #args.session)
}

pub(super) fn args(place: Span) -> Ident {
    Ident::new("args", located(place))
}

/// Ours by name, the user's by place.
pub(super) fn located(place: Span) -> Span {
    Span::mixed_site().located_at(place)
}
