//! The parts of a repository's statements; these are written in the runtime.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Path, Type};

use super::check::Repository;

/// The types of `Model` that give their parts to the statements, each in the place of its option:
/// what it misses is reported there.
pub(super) fn types(repository: &Repository) -> TokenStream {
    let Repository {
        entity,
        table,
        insert,
        ..
    } = repository;
    let key = key(entity);
    let at_entity = quote_spanned! {entity.span()=>
        // Through the key, as the runtime says: without one, the type of the table is unknown.
        type Table = <#key as ::lback::__private::Through<#table::table>>::Itself;
        type Entity = #entity;
        type Columns =
            <::lback::__private::BackendOf<Self> as ::lback::__private::Selects<#entity>>::Columns;
    };
    let at_insert = quote_spanned! {insert.span()=>
        type Insert = #insert;
        type Inserted = <#insert as ::lback::__private::InsertedInto<#table::table>>::Role;
    };
    quote! {
        #at_entity
        #at_insert
    }
}

/// Those of `Updates`, likewise.
pub(super) fn types_of_updates(repository: &Repository, update: &Type) -> TokenStream {
    let table = &repository.table;
    quote_spanned! {update.span()=>
        type Update = #update;
        type Changed = <#update as ::lback::__private::ChangesOf<#table::table>>::Role;
    }
}

/// What can only be said where the types are known.
pub(super) fn functions(repository: &Repository) -> TokenStream {
    let Repository {
        entity,
        insert,
        given_key,
        version,
        ..
    } = repository;
    let key = key(entity);
    // In the place of what is said of `insert` anyway: the compiler says the same once.
    let place = insert.span();
    let data = Ident::new("data", Span::mixed_site().located_at(place));
    let given_key = given_key.as_ref().map(|fields| {
        let each = fields
            .names
            .iter()
            .map(|field| quote!(::core::clone::Clone::clone(&#data.#field)));
        let given = if fields.is_tuple {
            quote!((#(#each,)*))
        } else {
            quote!(#(#each)*)
        };
        quote! {
            fn given_key(#data: &Self::Insert) -> ::core::option::Option<#key> {
                ::core::option::Option::Some(#given)
            }
        }
    });
    let version = version.as_ref().map(|field| {
        quote_spanned! {field.span()=>
            fn version_of(entity: &Self::Entity) -> ::core::option::Option<i64> {
                ::core::option::Option::Some(::core::convert::Into::<i64>::into(entity.#field))
            }
        }
    });
    quote_spanned! {place=>
        fn row_values(
            #data: &Self::Insert,
        ) -> impl ::lback::__private::QueryFragment<::lback::__private::BackendOf<Self>> {
            <Self::Inserted>::values(#data).values
        }

        fn texts() -> &'static ::lback::__private::Texts {
            static TEXTS: ::lback::__private::Texts = ::lback::__private::Texts::new();
            &TEXTS
        }

        #given_key
        #version
    }
}

/// What differs from what most repositories do.
pub(super) fn constants(repository: &Repository) -> TokenStream {
    let table = &repository.table;
    let version = repository.version.as_ref().map(|column| {
        quote_spanned! {column.span()=>
            const VERSION: ::core::option::Option<&'static str> = ::core::option::Option::Some(
                <#table::#column as ::lback::__private::diesel::Column>::NAME,
            );
        }
    });
    let rereads = repository.rereads.then(|| {
        quote!(
            const REREADS: bool = true;
        )
    });
    quote! {
        #version
        #rereads
    }
}

/// The type of an entity's key.
pub(super) fn key(entity: &Path) -> TokenStream {
    quote_spanned!(entity.span()=> <#entity as ::lback::__private::Entity>::Key)
}
