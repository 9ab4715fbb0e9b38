//! The signal that tells a row's net change, of a repository with `changes`.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;

use super::check::Repository;
use super::part;
use crate::name::{pascal, snake};

/// `PostChanged` and `post_changed`.
fn names(repository: &Repository) -> (Ident, Ident) {
    let noun = &repository.noun;
    let text = noun.unraw().to_string();
    let arguments = format_ident!("{}Changed", pascal(&text), span = noun.span());
    let name = format_ident!("{}", snake(&arguments.to_string()), span = noun.span());
    (arguments, name)
}

/// `post_id`
fn key_name(repository: &Repository) -> Ident {
    let noun = &repository.noun;
    format_ident!("{}_id", noun.unraw(), span = noun.span())
}

/// The signal's arguments, whose attribute declares it.
pub(super) fn signal(repository: &Repository) -> Option<TokenStream> {
    repository.tells_changes?;
    let Repository {
        visibility,
        conditions,
        connection,
        entity,
        ..
    } = repository;
    let (arguments, _) = names(repository);
    let key_name = key_name(repository);
    let key = part::key(entity);
    let text = repository.noun.unraw().to_string();
    let doc = format!(
        " Sent before the outermost transaction commits, once for each `{text}` that it has changed."
    );
    let key_doc = format!(" The key of the `{text}`.");
    Some(quote! {
        #[doc = #doc]
        #(#conditions)*
        #[allow(dead_code)]
        #[::lback::__private::signal]
        #visibility struct #arguments<'a> {
            /// What has become of the row.
            #visibility change: &'a ::lback::__private::Change<#entity>,
            #[doc = #key_doc]
            #visibility #key_name: #key,
            /// The session in use.
            #visibility session: &'a mut ::lback::__private::Session<#connection>,
        }
    })
}

/// What the engine needs to tell changes.
pub(super) fn role(repository: &Repository) -> Option<TokenStream> {
    let option = repository.tells_changes?;
    let Repository {
        connection, entity, ..
    } = repository;
    let (arguments, name) = names(repository);
    let key_name = key_name(repository);
    // In the option's place, all of it: the compiler says the same once.
    Some(quote_spanned! {option=>
        #[automatically_derived]
        impl ::lback::__private::ChangeSignal for #name {
            // Through the trait: without it the type is unknown.
            type Entity = <#entity as ::lback::__private::Compared>::Itself;
            type Key = <#entity as ::lback::__private::Entity>::Key;

            fn key(entity: &#entity) -> Self::Key {
                ::lback::__private::Entity::key(entity)
            }

            fn args<'a>(
                change: &'a ::lback::__private::Change<#entity>,
                #key_name: Self::Key,
                session: &'a mut ::lback::__private::Session<#connection>,
            ) -> Self::Args<'a> {
                #arguments { change, #key_name, session }
            }
        }
    })
}

/// How operations note what they write.
pub(super) fn hooks(repository: &Repository) -> Option<TokenStream> {
    let option = repository.tells_changes?;
    let Repository {
        connection, entity, ..
    } = repository;
    let (_, name) = names(repository);
    Some(quote_spanned! {option=>
        fn hears_changes(
            session: &mut ::lback::__private::Session<#connection>,
            rows: usize,
        ) -> ::lback::Result<bool> {
            ::lback::__private::hears_changes::<#name>(session, rows)
        }

        fn note_change(
            found: ::core::option::Option<&#entity>,
            left: ::core::option::Option<&#entity>,
            session: &mut ::lback::__private::Session<#connection>,
        ) -> ::lback::Result<()> {
            ::lback::__private::note_change::<#name>(found, left, session)
        }
    })
}
