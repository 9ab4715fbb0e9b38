use expect_test::{expect, expect_file};
use proc_macro2::TokenStream;
use quote::quote;

use super::expand;
use crate::testing::{errors, half_typed, page};

#[test]
fn half_typed_code_keeps_its_function() {
    let attr = quote!(
        user_post_create,
        order = -10,
        before = [audit::record],
        after = first,
        after_commit,
        when = |user: &User, _x: Option<u8>| user.is_active,
        on_error = "abort",
        id = "welcome"
    );
    let item = quote! {
        /// Says hello.
        #[inline]
        pub(crate) fn welcome<'a>(user: &'a User, #[state] mailer: &Mailer, mut n: u8) -> Result<(), E>
        where
            'a: 'a,
        {
            mailer.send(&user.email, n)
        }
    };
    for attr in half_typed(&attr) {
        assert_function_stays(&attr, &item);
    }
    for item in half_typed(&item) {
        assert_function_stays(&attr, &item);
    }
}

fn assert_function_stays(attr: &TokenStream, item: &TokenStream) {
    let expansion = expand(attr.clone(), item, true).to_string();
    for typed in ["fn welcome", "user : & 'a User", "mailer . send"] {
        assert!(
            !item.to_string().contains(typed) || expansion.contains(typed),
            "{attr}\n{item}\n{expansion}"
        );
    }
}

#[test]
fn a_half_typed_body_is_no_mistake() {
    let expansion = expand(
        quote!(user_post_create),
        &quote!(fn f(user: &User) { user. let = }),
        false,
    );
    assert!(
        expansion.to_string().contains("registrar . entry"),
        "{expansion}"
    );
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let expansion = expand(
        quote!(
            "user_post_create",
            ordr = 1,
            aftercommit,
            isolate,
            order = "first",
            id = "",
            when = 3
        ),
        &quote! {
            async unsafe fn f<T>(&self, _: u8, (a, b): (u8, u8), user: &User, _user: User,
                session: &mut Session, conn: SqliteConnection, #[state] mailer: Mailer) {}
        },
        false,
    );
    assert!(expansion.to_string().contains("async unsafe fn f < T >"));
    expect![[r#"
        a signal is a path, without quotes: `user_post_create`
        there is no option `ordr`; did you mean `order`?
        did you mean `after_commit`?
        write `on_error = "isolate"`
        `order` is a whole number, lower runs first: `order = -10`
        `id` is a text that is not empty: `id = "audit.user"`
        `when` is a closure over arguments of the signal: `when = |user: &User| user.is_active`
        a receiver has no type or const parameters: it is registered once, with the types of its signal; write those
        a receiver is called by safe code; remove `unsafe`
        a method cannot be a receiver; move the function out of the `impl`, and take what it needs as `sender` or `#[state]`
        a parameter's name says which argument it gets; an unused one is written `_user`
        a parameter's name says which argument it gets; give it a plain name and take it apart in the body
        the argument `user` is already taken
        `session` and `conn` are the same connection; take `session` only, and call `session.conn()`
        `conn` is lent: write `conn: &mut ..`
        a state is shared: write `mailer: &..`"#]]
    .assert_eq(&errors(expansion).join("\n"));
}

#[test]
fn an_effect_can_neither_change_its_arguments_nor_be_isolated() {
    let expansion = expand(
        quote!(
            user_pre_create,
            after_rollback,
            after_rollback,
            after_commit,
            on_error = "isolate"
        ),
        &quote!(
            fn f(data: &mut NewUser) {}
        ),
        false,
    );
    expect![[r"
        `after_rollback` is given twice; keep one
        a receiver has one phase; write a second receiver for the other one
        an `after_rollback` receiver runs outside the transaction and fails alone anyway; leave `on_error` out
        an `after_rollback` receiver gets a copy, and cannot change it; take `&`"]]
    .assert_eq(&errors(expansion).join("\n"));
}

#[test]
fn an_async_receiver_takes_neither_session_nor_connection() {
    let attr = quote!(user_post_create, after_commit);
    let item = quote!(
        async fn f(session: &mut Session) {}
    );
    let of_session = errors(expand(attr.clone(), &item, false));
    let item = quote!(
        async fn f(#[conn] db: &mut SqliteConnection) {}
    );
    let of_connection = errors(expand(attr, &item, false));
    expect!["an `async` receiver holds no connection while it waits; take `#[state] database: &Database`, and write with `database.run(..).await`"]
        .assert_eq(&of_session.join("\n"));
    assert_eq!(of_session, of_connection);
}

#[test]
fn an_async_receiver_is_queued_as_a_future() {
    let attr = quote!(user_post_create, after_commit);
    let item = quote! {
        async fn welcome(user: &User) -> Result<(), MailError> { send(user).await }
    };
    let made = expand(attr, &item, false).to_string();
    for part in [
        ". asynchronous ()",
        ". __queue_async (async move {",
        "__lback_function (__lback_0) . await",
        ":: AllowsAsyncEffect",
    ] {
        assert!(made.contains(part), "{made}");
    }
}

#[test]
fn a_further_receiver_still_sees_the_states() {
    let item = quote! {
        #[lback::receiver(user_post_delete)]
        fn f(#[state] mailer: &Mailer) {}
    };
    assert!(
        expand(quote!(user_post_create), &item, false)
            .to_string()
            .contains("# [state]")
    );
}

#[test]
fn the_documentation_shows_the_expansion_of_a_receiver() {
    let attr = quote!(user_post_create, order = -10);
    let item = quote! {
        fn audit(user: &User, conn: &mut SqliteConnection) -> QueryResult<()> {
            record(conn, user)
        }
    };
    let page = page(
        "The function stays as it is. A receiver",
        &quote!(#[receiver(#attr)] #item),
        expand(attr, &item, false),
    );
    expect_file!["../../../lback/docs/expansion/receiver.md"].assert_eq(&page);
}

#[test]
fn the_documentation_shows_the_expansion_of_an_effect() {
    let attr = quote!(
        user_post_create,
        after_commit,
        when = |user: &User| user.is_active
    );
    let item = quote! {
        fn welcome(user: &User, #[state] mailer: &Mailer) -> Result<(), MailError> {
            mailer.send(&user.email, "Welcome!")
        }
    };
    let page = page(
        "An effect keeps copies. It",
        &quote!(#[receiver(#attr)] #item),
        expand(attr, &item, false),
    );
    // A second heading would be one too many.
    let page = page.trim_start_matches("# Expansion\n\n");
    expect_file!["../../../lback/docs/expansion/effect.md"].assert_eq(page);
}

#[test]
fn the_documentation_shows_what_makes_a_receiver_known_by_hand() {
    let attr = quote!(user_post_create);
    let item = quote! {
        pub(crate) fn audit(user: &User) {
            println!("{}", user.username);
        }
    };
    let usual = expand(attr.clone(), &item, false).to_string();
    let by_hand = expand(attr.clone(), &item, true).to_string();
    let added = by_hand
        .strip_prefix(&usual)
        .expect("the rest stays as it is");
    let added: TokenStream = added.parse().expect("an expansion can be read");
    let page = page(
        "The function stays as it is. With the feature `manual-registry` a receiver",
        &quote!(#[receiver(#attr)] #item),
        quote!(#item #added),
    );
    expect_file!["../../../lback/docs/expansion/manual.md"].assert_eq(&page);
}

#[test]
fn a_function_with_several_attributes_is_made_known_once() {
    let attr = quote!(user_post_create);
    let item = quote! {
        #[receiver(user_post_delete, after_commit)]
        #[inline]
        fn f(#[state] mailer: &Mailer) {}
    };

    let made = expand(attr, &item, true).to_string();

    assert_eq!(made.matches("enum f").count(), 1, "{made}");
    assert_eq!(made.matches("inventory :: submit").count(), 2, "{made}");
    assert_eq!(made.matches("registrar . entry").count(), 2 + 2, "{made}");
    for spent in ["# [receiver", "# [state]"] {
        assert!(!made.contains(spent), "{made}");
    }
}

#[test]
fn a_mistaken_receiver_is_made_known_too() {
    let made = expand(
        quote!(),
        &quote!(
            fn f() {}
        ),
        true,
    );

    assert_eq!(errors(made.clone()).len(), 1, "{made}");
    assert!(made.to_string().contains("enum f"), "{made}");
}
