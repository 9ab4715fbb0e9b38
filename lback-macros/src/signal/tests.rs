use expect_test::expect;
use quote::quote;

use super::expand;
use crate::testing::{errors, half_typed, pretty};

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
        assert!(expansion.starts_with(&item.to_string()), "{expansion}");
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
fn a_signal() {
    let expansion = expand(
        quote!(),
        &quote! {
            pub struct OrderShipped<'a> {
                pub order: &'a Order,
                pub session: &'a mut Session,
            }
        },
    );
    expect![[r#"
        pub struct OrderShipped<'a> {
            pub order: &'a Order,
            pub session: &'a mut Session,
        }
        /// The signal whose arguments are [`OrderShipped`].
        #[allow(non_camel_case_types)]
        #[derive(Clone, Copy, Debug)]
        pub struct order_shipped;
        const _: () = {
            #[automatically_derived]
            impl ::lback::__private::Signal for order_shipped {
                type Args<'__lback> = OrderShipped<'__lback>;
                const INFO: &'static ::lback::__private::SignalInfo = &::lback::__private::SignalInfo::new(
                    ::lback::__private::type_id_of::<order_shipped>,
                    "order_shipped",
                    ::core::module_path!(),
                    ::lback::__private::Timing::Post,
                );
            }
            ::lback::__private::declare! {
                order_shipped
            }
            const _: fn(&OrderShipped<'_>) = |OrderShipped { order: _0, session: _1 }| {};
            #[automatically_derived]
            #[diagnostic::do_not_recommend]
            impl ::lback::__private::SessionSignal for order_shipped {
                type Itself = Self;
                type Connection = <Session as ::lback::__private::SessionType>::Connection;
                type Timing = ::lback::__private::Post;
                fn session<'__lback>(
                    args: &'__lback mut Self::Args<'_>,
                ) -> &'__lback mut ::lback::__private::Session<Self::Connection> {
                    &mut *args.session
                }
            }
            impl OrderShipped<'_> {
                /// Sends the signal [`order_shipped`]: calls its receivers, in their order.
                ///
                /// # Errors
                ///
                /// Those of receivers and of the database. It is atomic: on `Err`, nothing that receivers wrote remains.
                #[allow(dead_code)]
                pub fn send(mut self) -> ::lback::Result<()> {
                    ::lback::__private::send::<order_shipped>(&mut self)
                }
            }
        };
    "#]].assert_eq(&pretty(&expansion));
}
