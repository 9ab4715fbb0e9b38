//! The Diesel statements of a repository.
//!
//! They are concrete, since generic ones need bounds that fill pages, and called by their full
//! paths, since method syntax depends on the user's imports.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::check::{Backend, Repository};

/// The five methods of `Model` that speak to the database.
pub(super) fn methods(repository: &Repository) -> TokenStream {
    let Repository {
        entity,
        insert,
        update,
        connection,
        ..
    } = repository;
    let inserted = insert_body(repository);
    let selected = select_body(repository, false);
    let locked = select_body(repository, repository.backend != Backend::Sqlite);
    let updated = update_body(repository);
    let found = found(repository);
    let key = quote!(<#entity as ::lback::__private::Entity>::Key);
    let result = quote!(::lback::__private::diesel::QueryResult);
    quote! {
        fn insert(conn: &mut #connection, data: &#insert) -> #result<#entity> {
            #inserted
        }

        fn select(
            conn: &mut #connection,
            key: &#key,
        ) -> #result<::core::option::Option<#entity>> {
            #selected
        }

        fn select_for_update(
            conn: &mut #connection,
            key: &#key,
        ) -> #result<::core::option::Option<#entity>> {
            #locked
        }

        fn update(
            conn: &mut #connection,
            key: &#key,
            update: &#update,
        ) -> #result<::core::option::Option<#entity>> {
            #updated
        }

        fn delete(conn: &mut #connection, key: &#key) -> #result<usize> {
            ::lback::__private::diesel::RunQueryDsl::execute(
                ::lback::__private::diesel::delete(#found),
                conn,
            )
        }
    }
}

fn insert_body(repository: &Repository) -> TokenStream {
    let Repository { table, insert, .. } = repository;
    let statement = quote_spanned! {insert.span()=>
        ::lback::__private::diesel::insert_into(#table::table).values(data)
    };
    match repository.backend {
        Backend::Sqlite | Backend::Postgres => returned(repository, &statement),
        Backend::Mysql => {
            let inserted = inserted_body(repository);
            quote! {
                ::lback::__private::diesel::RunQueryDsl::execute(#statement, conn)?;
                #inserted
            }
        }
    }
}

/// Reads back the row of the key that the database has just given.
fn inserted_body(repository: &Repository) -> TokenStream {
    let Repository { table, .. } = repository;
    let selection = selection(repository);
    quote! {
        ::lback::__private::diesel::RunQueryDsl::get_result(
            ::lback::__private::diesel::QueryDsl::select(
                ::lback::__private::diesel::QueryDsl::filter(
                    #table::table,
                    ::lback::__private::diesel::ExpressionMethods::eq(
                        ::lback::__private::diesel::Table::primary_key(&#table::table),
                        ::lback::__private::LastInsertId::new(),
                    ),
                ),
                #selection,
            ),
            conn,
        )
    }
}

fn update_body(repository: &Repository) -> TokenStream {
    let Repository { table, .. } = repository;
    let statement = quote_spanned! {repository.update.span()=>
        ::lback::__private::UpdateByKey::new(
            &#table::table,
            ::lback::__private::diesel::AsChangeset::as_changeset(update),
            ::lback::__private::diesel::ExpressionMethods::eq(
                ::lback::__private::diesel::Table::primary_key(&#table::table),
                key,
            ),
        )
    };
    match repository.backend {
        Backend::Sqlite | Backend::Postgres => optional(&returned(repository, &statement)),
        Backend::Mysql => quote! {
            ::lback::__private::diesel::RunQueryDsl::execute(#statement, conn)?;
            <Self as ::lback::__private::Model>::select(conn, key)
        },
    }
}

/// `get_result`, because `first` adds a `LIMIT` that SQLite prepares anew at every execution.
fn select_body(repository: &Repository, is_locking: bool) -> TokenStream {
    let found = found(repository);
    let selection = selection(repository);
    let mut query = quote!(::lback::__private::diesel::QueryDsl::select(#found, #selection));
    if is_locking {
        query = quote!(::lback::__private::diesel::QueryDsl::for_update(#query));
    }
    optional(&quote!(::lback::__private::diesel::RunQueryDsl::get_result(#query, conn)))
}

fn selection(repository: &Repository) -> TokenStream {
    let Repository {
        entity, connection, ..
    } = repository;
    quote_spanned! {entity.span()=>
        <#entity as ::lback::__private::diesel::SelectableHelper<
            <#connection as ::lback::__private::diesel::Connection>::Backend,
        >>::as_select()
    }
}

fn returned(repository: &Repository, statement: &TokenStream) -> TokenStream {
    let Repository {
        entity, connection, ..
    } = repository;
    let returning = quote_spanned! {entity.span()=>
        <#entity as ::lback::__private::diesel::SelectableHelper<
            <#connection as ::lback::__private::diesel::Connection>::Backend,
        >>::as_returning()
    };
    quote! {
        ::lback::__private::diesel::RunQueryDsl::get_result(#statement.returning(#returning), conn)
    }
}

fn found(repository: &Repository) -> TokenStream {
    let table = &repository.table;
    quote!(::lback::__private::diesel::QueryDsl::find(#table::table, key))
}

fn optional(result: &TokenStream) -> TokenStream {
    quote!(::lback::__private::diesel::OptionalExtension::optional(#result))
}
