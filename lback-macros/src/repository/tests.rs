use expect_test::expect;
use quote::quote;

use super::expand;
use crate::testing::{errors, half_typed};

#[test]
fn half_typed_code_keeps_its_struct() {
    let attr = quote!(
        entity = blog::Post, table = schema::posts, insert = NewPost, update = PostChanges,
        connection = PooledConnection<Manager>, backend = postgres, name = "post", shared_entity
    );
    let item = quote!(
        pub struct PostRepository {
            pub page: u8,
        }
    );
    for attr in half_typed(&attr) {
        let expansion = expand(attr, &item).to_string();
        assert!(expansion.starts_with(&item.to_string()), "{expansion}");
    }
    for item in half_typed(&item) {
        let expansion = expand(attr.clone(), &item).to_string();
        assert!(expansion.starts_with(&item.to_string()), "{expansion}");
    }
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let expansion = expand(
        quote!(
            entity = Data,
            tabel = posts,
            insert = A,
            insert = B,
            connection = Pool
        ),
        &quote!(
            struct Repository<T>(T);
        ),
    );
    expect![[r#"
        there is no option `tabel`; did you mean `table`?
        `insert` is given twice; keep one
        a repository has no parameters, because its signals are bound to one type
        a repository cannot do without its types; add `update = PostChanges`, with your own
        `data` is another argument of the signals; choose a name for the entity: `name = "data_row"`
        this type's name does not tell which database it speaks to; add `backend = sqlite`, `postgres` or `mysql`"#]].assert_eq(&errors(expansion).join("\n"));
}

#[test]
fn the_six_signals_are_named_after_the_entity() {
    let expansion = expand(
        quote!(
            entity = BlogPost,
            table = posts,
            insert = A,
            update = B,
            connection = PgConnection
        ),
        &quote!(
            struct Repository;
        ),
    );
    let file: syn::File = syn::parse2(expansion).expect("a list of items");
    let names: Vec<_> = file
        .items
        .iter()
        .filter_map(|item| match item {
            syn::Item::Struct(item) => Some(item.ident.to_string()),
            _ => None,
        })
        .collect();
    expect![[r#"
        Repository
        BlogPostPreCreate
        BlogPostPostCreate
        BlogPostPreUpdate
        BlogPostPostUpdate
        BlogPostPreDelete
        BlogPostPostDelete"#]]
    .assert_eq(&names.join("\n"));
}
