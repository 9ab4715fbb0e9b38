//! The statements of a repository, by a macro of the runtime in which they can be read.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::Path;
use syn::spanned::Spanned;

use super::check::{Backend, Repository};

/// The methods of `Model` that speak to the database.
///
/// What is missing for them is reported in the place of the option that names the type.
pub(super) fn methods(repository: &Repository) -> TokenStream {
    let Repository {
        entity,
        table,
        insert,
        update,
        given_key,
        ..
    } = repository;
    let backend = match repository.backend {
        Backend::Sqlite => quote!(sqlite),
        Backend::Postgres => quote!(postgres),
        Backend::Mysql => quote!(mysql),
    };
    let at = Ident::new("entity", entity.span());
    let key = key(entity);
    let keyed = quote_spanned! {entity.span()=>
        <#key as ::lback::__private::Through<#table::table>>::through(#table::table)
    };
    let loaded = quote_spanned! {entity.span()=>
        <
            <::lback::__private::BackendOf<Self> as ::lback::__private::Selects<Self::Entity>>::SqlType
            as ::lback::__private::Makes<Self::Entity, ::lback::__private::BackendOf<Self>>
        >::ROLE
    };
    let inserted = quote_spanned! {insert.span()=>
        <Self::Insert as ::lback::__private::InsertedInto<#table::table>>::ROLE
    };
    let changed = quote_spanned! {update.span()=>
        <Self::Update as ::lback::__private::ChangesOf<#table::table>>::ROLE
    };
    quote! {
        ::lback::__private::statements! {
            #backend {
                at: #at, key: #key, table: #keyed, entity: #loaded,
                insert: #inserted, update: #changed, given: (#given_key),
            }
        }
    }
}

/// The type of an entity's key.
pub(super) fn key(entity: &Path) -> TokenStream {
    quote_spanned!(entity.span()=> <#entity as ::lback::__private::Entity>::Key)
}
