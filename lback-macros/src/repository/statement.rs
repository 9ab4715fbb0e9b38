//! The statements of a repository, by a macro of the runtime in which they can be read.

use proc_macro2::TokenStream;
use quote::quote;

use super::check::{Backend, Repository};

/// The methods of `Model` that speak to the database.
pub(super) fn methods(repository: &Repository) -> TokenStream {
    let Repository {
        connection,
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
    quote! {
        ::lback::__statements! {
            #backend {
                connection: #connection, entity: #entity, table: #table::table,
                insert: #insert, update: #update, given: (#given_key),
            }
        }
    }
}
