use expect_test::{expect, expect_file};
use quote::quote;

use super::expand;
use crate::testing::{errors, half_typed, page};

#[test]
fn half_typed_code_keeps_its_struct() {
    let item = quote! {
        /// Sent when an order leaves the house.
        pub struct OrderShipped<'a> {
            pub order: &'a Order,
            pub session: &'a mut Session,
        }
    };
    for item in half_typed(&item) {
        let expansion = expand(quote!(pre), &item).to_string();
        assert!(expansion.contains(&item.to_string()), "{expansion}");
    }
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let expansion = expand(
        quote!(post, pre, pre),
        &quote! {
            pub struct order_shipped<'a, 'b, T> {
                order: &'b T,
                pub conn: &'a mut SqliteConnection,
                pub session: Session,
            }
        },
    );
    expect![[r#"
        there is no option `post`; write `#[signal]`, or `#[signal(pre)]` for one that is sent before what it is about
        `pre` is given twice; keep one
        one lifetime is enough: use it for every argument
        a signal has no type or const parameters, because receivers are bound to one type; declare one signal per type
        the signal takes the name `order_shipped`, so the struct needs another: `OrderShipped`
        receivers elsewhere must be able to read `order`: make it `pub`
        receivers get the session's connection as `conn`; choose another name
        the session is lent to receivers: `&'a mut Session`"#]].assert_eq(&errors(expansion).join("\n"));
}

#[test]
fn a_post_signal_changes_nothing_and_its_arguments_have_names() {
    let changing = expand(
        quote!(),
        &quote!(
            struct Shipped<'a> {
                order: &'a mut Order,
            }
        ),
    );
    let nameless = expand(
        quote!(),
        &quote!(
            struct Shipped<'a>(&'a Order);
        ),
    );
    expect![[r#"
        only `#[signal(pre)]` lets receivers change an argument; make it `&'a`, or the signal `pre`
        a signal's arguments have names: `struct OrderShipped<'a> { order: &'a Order, session: &'a mut Session }`"#]].assert_eq(&[errors(changing), errors(nameless)].concat().join("\n"));
}

#[test]
fn the_documentation_shows_the_expansion() {
    let item = quote! {
        pub struct OrderShipped<'a> {
            pub order: &'a Order,
            pub session: &'a mut Session,
        }
    };
    let page = page(
        "The struct stays as it is. A signal",
        &quote!(#[signal] #item),
        expand(quote!(), &item),
    );
    expect_file!["../../../lback/docs/expansion/signal.md"].assert_eq(&page);
}
