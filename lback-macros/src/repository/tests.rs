use expect_test::{expect, expect_file};
use proc_macro2::TokenStream;
use quote::quote;
use syn::visit_mut::{self, VisitMut};

use super::expand;
use crate::testing::{errors, half_typed, page};

fn expanded(attr: TokenStream, item: &TokenStream) -> TokenStream {
    expand(attr, item, false)
}

#[test]
fn half_typed_code_keeps_its_struct() {
    let attr = quote!(
        entity = blog::Article, table = schema::articles, insert = NewArticle, update = ArticleChanges,
        connection = PooledConnection<Manager>, backend = postgres, name = "article", shared_entity
    );
    let item = quote!(
        pub struct ArticleRepository {
            pub page: u8,
        }
    );
    for attr in half_typed(&attr) {
        let expansion = expanded(attr, &item).to_string();
        assert!(expansion.starts_with(&item.to_string()), "{expansion}");
    }
    for item in half_typed(&item) {
        let expansion = expanded(attr.clone(), &item).to_string();
        assert!(expansion.starts_with(&item.to_string()), "{expansion}");
    }
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let expansion = expanded(
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
        `data` is another argument of the signals; choose a name for the entity: `name = "data_row"`
        this type's name does not tell which database it speaks to; add `backend = sqlite`, `postgres` or `mysql`. An enum of connections (`MultiConnection`) is not supported: declare a repository for each database"#]].assert_eq(&errors(expansion).join("\n"));
}

#[test]
fn the_six_signals_are_named_after_the_entity() {
    let expansion = expanded(
        quote!(
            entity = BlogArticle,
            table = articles,
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
        BlogArticlePreCreate
        BlogArticlePostCreate
        BlogArticlePreUpdate
        BlogArticlePostUpdate
        BlogArticlePreDelete
        BlogArticlePostDelete"#]]
    .assert_eq(&names.join("\n"));
}

#[test]
fn a_seventh_tells_changes() {
    let expansion = expanded(
        quote!(
            entity = BlogArticle,
            table = articles,
            insert = A,
            update = B,
            connection = PgConnection,
            changes
        ),
        &quote!(
            pub struct Repository;
        ),
    );
    let file: syn::File = syn::parse2(expansion).expect("a list of items");
    let last = file.items.iter().rev().find_map(|item| match item {
        syn::Item::Struct(item) => Some(item),
        _ => None,
    });
    let last = last.expect("there are structs");
    assert_eq!(last.ident, "BlogArticleChanged");
    let fields = last.fields.iter().filter_map(|field| field.ident.as_ref());
    let fields: Vec<_> = fields.map(ToString::to_string).collect();
    assert_eq!(fields, ["change", "blog_article_id", "session"]);
}

#[test]
fn the_documentation_shows_the_expansion() {
    let attr = quote!(
        entity = Article,
        table = articles,
        insert = NewArticle,
        update = ArticleChanges,
        connection = SqliteConnection
    );
    let item = quote!(
        pub struct Articles;
    );
    let mut made: syn::File = syn::parse2(expanded(attr.clone(), &item)).expect("a list of items");
    OneSignal.visit_file_mut(&mut made);
    let page = page(
        "The struct stays as it is. Of the six signals, which are alike, one is shown. A repository",
        &quote!(#[repository(#attr)] #item),
        quote!(#made),
    );
    expect_file!["../../../lback/docs/expansion/repository.md"].assert_eq(&page);
}

/// Leaves out five signals of six.
struct OneSignal;

impl VisitMut for OneSignal {
    fn visit_file_mut(&mut self, file: &mut syn::File) {
        file.items.retain(|item| match item {
            syn::Item::Struct(item) => item.ident == "Articles" || item.ident == "ArticlePreCreate",
            _ => true,
        });
        visit_mut::visit_file_mut(self, file);
    }

    fn visit_item_impl_mut(&mut self, item: &mut syn::ItemImpl) {
        item.items.retain(|item| match item {
            syn::ImplItem::Fn(send) => {
                !send.sig.ident.to_string().starts_with("send_")
                    || send.sig.ident == "send_pre_create"
            }
            syn::ImplItem::Type(role) => {
                !role.ident.to_string().starts_with('P') || role.ident == "PreCreate"
            }
            _ => true,
        });
    }
}
