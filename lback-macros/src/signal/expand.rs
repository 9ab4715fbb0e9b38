//! The signal's type, and what receivers and senders need of it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Type;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use super::check::Signal;
use super::parse::Timing;
use crate::name::{identifier, number_of};

/// What is added beside the struct.
pub(super) fn declaration(signal: &Signal, is_any: bool) -> TokenStream {
    let Signal {
        conditions,
        visibility,
        name,
        arguments,
        ..
    } = signal;
    let doc = format!(" The signal whose arguments are [`{}`].", arguments.unraw());
    let named = format!(
        " Names the signal [`{0}`](struct@{0}) where a value is wanted: `session.mute({0}, ..)`.",
        name.unraw()
    );
    let declared = declared(signal, is_any);
    let sessions = signal
        .session
        .as_ref()
        .map(|referent| sessions(signal, referent));
    let read = (!signal.allows_dead_code).then(|| read(signal));
    let send = send(signal);
    quote! {
        #[doc = #doc]
        #(#conditions)*
        #[allow(non_camel_case_types)]
        #[derive(Clone, Copy, Debug)]
        #visibility struct #name {}

        // Not a unit struct, whose name no variable, parameter or pattern could have.
        #[doc = #named]
        #(#conditions)*
        #[must_use]
        #visibility const fn #name() -> #name {
            #name {}
        }

        #(#conditions)*
        const _: () = {
            #declared
            #read
            #sessions
            #send
        };
    }
}

fn declared(signal: &Signal, is_any: bool) -> TokenStream {
    let Signal {
        name, arguments, ..
    } = signal;
    let text = name.unraw().to_string();
    let lifetime = signal.has_lifetime.then(|| quote!(<'__lback>));
    let timing = timing(signal);
    let any = is_any.then(|| quote!(, ByAny));
    let listed = listed(signal);
    let numbers = names(signal).map(|name| number_of(&name));
    quote! {
        #[automatically_derived]
        impl ::lback::__private::Signal for #name {
            type Args<'__lback> = #arguments #lifetime;
            const INFO: &'static ::lback::__private::SignalInfo =
                &::lback::__private::SignalInfo::new(
                    || ::lback::__private::type_id_of_val(&#name),
                    #text,
                    ::core::module_path!(),
                    ::lback::__private::Timing::#timing,
                );
        }

        // By its name, the compiler's messages tell the arguments.
        #[doc(hidden)]
        #[allow(missing_debug_implementations, non_camel_case_types, unreachable_pub)]
        pub enum #listed {}

        #(
            #[automatically_derived]
            #[diagnostic::do_not_recommend]
            impl ::lback::__private::HasArgument<#numbers, #listed> for #name {
                type Itself = Self;
            }
        )*

        ::lback::__private::declare! { #name #listed #any }
    }
}

/// What a receiver can name.
fn names(signal: &Signal) -> impl Iterator<Item = String> {
    signal.fields.iter().map(|field| field.unraw().to_string())
}

/// `sender_or_user_or_session`.
fn listed(signal: &Signal) -> Ident {
    let all: Vec<_> = names(signal).collect();
    let place = Span::call_site();
    identifier(&all.join("_or_"), place).unwrap_or_else(|| Ident::new("nothing", place))
}

fn timing(signal: &Signal) -> TokenStream {
    match signal.timing {
        Timing::Pre => quote!(Pre),
        Timing::Post => quote!(Post),
    }
}

/// Reads every argument: that no receiver does is not a warning about the signal.
fn read(signal: &Signal) -> TokenStream {
    let Signal {
        arguments, fields, ..
    } = signal;
    let lifetime = signal.has_lifetime.then(|| quote!(<'_>));
    let place = arguments.span();
    let locals = (0..fields.len()).map(|i| format_ident!("_{i}", span = place));
    quote_spanned! {place=>
        const _: fn(&#arguments #lifetime) = |#arguments { #(#fields: #locals),* }| {};
    }
}

fn sessions(signal: &Signal, referent: &Type) -> TokenStream {
    let name = &signal.name;
    let connection = quote_spanned! {referent.span()=>
        <#referent as ::lback::__private::SessionType>::Connection
    };
    let timing = timing(signal);
    quote! {
        #[automatically_derived]
        // Otherwise the compiler lists signals that do have a session.
        #[diagnostic::do_not_recommend]
        impl ::lback::__private::SessionSignal for #name {
            type Itself = Self;
            type Connection = #connection;
            type Timing = ::lback::__private::#timing;

            fn session<'__lback>(
                args: &'__lback mut Self::Args<'_>,
            ) -> &'__lback mut ::lback::__private::Session<Self::Connection> {
                &mut *args.session
            }
        }
    }
}

fn send(signal: &Signal) -> TokenStream {
    let Signal {
        name,
        arguments,
        visibility,
        ..
    } = signal;
    let lifetime = signal.has_lifetime.then(|| quote!(<'_>));
    // Where the compiler looks at all fields.
    let place = arguments.span();
    let this = Ident::new("self", place);
    let doc = format!(
        " Sends the signal [`{0}`](struct@{0}): calls its receivers, in their order.",
        name.unraw()
    );
    let (send, errors) = if signal.session.is_some() {
        let errors = " Those of receivers and of the database. It is atomic: on `Err`, nothing that \
                      receivers wrote remains.";
        (quote!(send), errors)
    } else {
        (
            quote!(send_plain),
            " That of the first receiver that fails, which ends it.",
        )
    };
    quote_spanned! {place=>
        impl #arguments #lifetime {
            #[doc = #doc]
            #[doc = ""]
            #[doc = " # Errors"]
            #[doc = ""]
            #[doc = #errors]
            #[allow(dead_code)]
            #visibility fn send(mut #this) -> ::lback::Result<()> {
                ::lback::__private::#send::<#name>(&mut #this)
            }
        }
    }
}
