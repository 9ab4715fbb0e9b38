//! The signal's type, and what receivers and senders need of it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Type;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use super::check::Signal;
use super::parse::Timing;

/// What is added beside the struct.
pub(super) fn declaration(signal: &Signal) -> TokenStream {
    let Signal {
        conditions,
        visibility,
        name,
        arguments,
        ..
    } = signal;
    let doc = format!(" The signal whose arguments are [`{}`].", arguments.unraw());
    let declared = declared(signal);
    let sessions = signal
        .session
        .as_ref()
        .map(|referent| sessions(signal, referent));
    let read = read(signal);
    let send = send(signal);
    quote! {
        #[doc = #doc]
        #(#conditions)*
        #[allow(non_camel_case_types)]
        #[derive(Clone, Copy, Debug)]
        #visibility struct #name;

        #(#conditions)*
        const _: () = {
            #declared
            #read
            #sessions
            #send
        };
    }
}

fn declared(signal: &Signal) -> TokenStream {
    let Signal {
        name, arguments, ..
    } = signal;
    let text = name.unraw().to_string();
    let lifetime = signal.has_lifetime.then(|| quote!(<'__lback>));
    let timing = match signal.timing {
        Timing::Pre => quote!(Pre),
        Timing::Post => quote!(Post),
    };
    quote! {
        #[automatically_derived]
        impl ::lback::__private::Signal for #name {
            type Args<'__lback> = #arguments #lifetime;
            const INFO: &'static ::lback::__private::SignalInfo =
                &::lback::__private::SignalInfo::new(
                    ::lback::__private::type_id_of::<#name>,
                    #text,
                    ::core::module_path!(),
                    ::lback::__private::Timing::#timing,
                );
        }

        // Receivers in other crates may not implement `Collect` for a generic `Receiver<S>`.
        #[doc(hidden)]
        #[allow(missing_debug_implementations, unreachable_pub)]
        pub struct Entry(::lback::__private::Receiver<#name>);

        ::lback::__private::inventory::collect!(Entry);

        #[doc(hidden)]
        #[allow(missing_debug_implementations, unreachable_pub)]
        pub struct Registrar;

        #[automatically_derived]
        impl Registrar {
            #[doc(hidden)]
            #[allow(unreachable_pub)]
            pub const fn signal(&self) -> &'static ::lback::__private::SignalInfo {
                <#name as ::lback::__private::Signal>::INFO
            }

            #[doc(hidden)]
            #[allow(unreachable_pub)]
            pub const fn entry(
                &self,
                registration: ::lback::__private::Registration,
                handler: ::lback::__private::Handler<#name>,
                condition: ::core::option::Option<::lback::__private::Condition<#name>>,
            ) -> Entry {
                let receiver = ::lback::__private::Receiver::<#name>::new(registration, handler);
                Entry(match condition {
                    ::core::option::Option::Some(condition) => receiver.when(condition),
                    ::core::option::Option::None => receiver,
                })
            }
        }

        #[automatically_derived]
        impl ::lback::__private::Declared for #name {
            type Itself = Self;
            type Registrar = Registrar;
            const REGISTRAR: Self::Registrar = Registrar;

            fn table()
            -> &'static ::lback::__private::OnceCell<::lback::__private::Table<#name>> {
                static TABLE: ::lback::__private::OnceCell<::lback::__private::Table<#name>> =
                    ::lback::__private::OnceCell::new();
                &TABLE
            }

            fn each(visit: &mut dyn ::core::ops::FnMut(&'static ::lback::__private::Receiver<#name>)) {
                for entry in ::lback::__private::inventory::iter::<Entry> {
                    visit(&entry.0);
                }
            }
        }

        ::lback::__private::inventory::submit! {
            ::lback::__private::Declaration::new(
                <#name as ::lback::__private::Signal>::INFO,
                ::lback::__private::registrations_of::<#name>,
            )
        }
    }
}

/// Reads every argument: that no receiver does is not a warning about the signal.
fn read(signal: &Signal) -> TokenStream {
    let Signal {
        arguments, fields, ..
    } = signal;
    let lifetime = signal.has_lifetime.then(|| quote!(<'_>));
    let locals: Vec<_> = (0..fields.len())
        .map(|i| format_ident!("__lback_{i}"))
        .collect();
    quote! {
        const _: fn(&#arguments #lifetime) = |args| {
            let #arguments { #(#fields: #locals),* } = args;
            #(let _ = #locals;)*
        };
    }
}

fn sessions(signal: &Signal, referent: &Type) -> TokenStream {
    let name = &signal.name;
    let connection = quote_spanned! {referent.span()=>
        <#referent as ::lback::__private::SessionType>::Connection
    };
    let after_change = (signal.timing == Timing::Post).then(|| {
        quote! {
            #[automatically_derived]
            impl ::lback::__private::AllowsAfterCommit for #name { type Itself = Self; }
            #[automatically_derived]
            impl ::lback::__private::AllowsIsolate for #name { type Itself = Self; }
        }
    });
    quote! {
        #[automatically_derived]
        impl ::lback::__private::SessionSignal for #name {
            type Itself = Self;
            type Connection = #connection;

            fn session<'__lback>(
                args: &'__lback mut <Self as ::lback::__private::Signal>::Args<'_>,
            ) -> &'__lback mut ::lback::__private::Session<Self::Connection> {
                &mut *args.session
            }
        }
        #[automatically_derived]
        impl ::lback::__private::AllowsAfterRollback for #name { type Itself = Self; }
        #after_change
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
    let this = Ident::new("self", Span::mixed_site());
    let doc = format!(
        " Sends the signal [`{}`]: calls its receivers, in their order.",
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
    quote! {
        #[automatically_derived]
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
