//! Custom logic: an application's own rules, kept out of its request handlers. Data is normalised, a
//! quota is kept, every user has a profile, and the last administrator stays.
//!
//! `cargo run -p lback-examples --example custom_logic`

use lback::Error;
use lback::sqlite::{prelude::*, users::*};

/// Before everything else, so that all rules see the same spelling.
#[receiver(user_pre_create, order = -100)]
fn normalise(data: &mut NewUser) {
    data.username = data.username.trim().to_lowercase();
    data.email = data.email.trim().to_lowercase();
}

#[receiver(user_pre_update, order = -100)]
fn normalise_changes(update_data: &mut UserChanges) {
    for text in [&mut update_data.username, &mut update_data.email]
        .into_iter()
        .flatten()
    {
        *text = text.trim().to_lowercase();
    }
}

#[receiver(user_pre_create)]
fn reserved_names(data: &NewUser) -> Result<(), Veto> {
    if ["root", "support"].contains(&data.username.as_str()) {
        return Err(Veto::new("this name is reserved").field("username"));
    }
    Ok(())
}

/// How many users an organisation may have; its configuration.
struct Quota(i64);

/// Counted in the transaction that inserts: nobody slips in between.
#[receiver(user_pre_create, after = reserved_names)]
fn quota(
    #[state] quota: &Quota,
    conn: &mut SqliteConnection,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let count: i64 = users::table.count().get_result(conn)?;
    if count >= quota.0 {
        return Err(Veto::new(format!("there are {count} users already")).into());
    }
    Ok(())
}

/// A user without a profile cannot exist, not even for a moment.
#[receiver(user_post_create)]
fn default_profile(user: &User, conn: &mut SqliteConnection) -> QueryResult<()> {
    diesel::insert_into(profiles::table)
        .values((
            profiles::user_id.eq(i64::from(user.id)),
            profiles::display_name.eq(&user.username),
        ))
        .execute(conn)?;
    Ok(())
}

#[receiver(user_pre_delete)]
fn profile_goes_first(user: &User, conn: &mut SqliteConnection) -> QueryResult<()> {
    diesel::delete(profiles::table.find(i64::from(user.id))).execute(conn)?;
    Ok(())
}

/// Somebody must be able to let the others in again.
#[receiver(user_pre_update, when = |update_data: &UserChanges| update_data.is_active == Some(false))]
fn the_last_active_one_stays(
    user: &User,
    conn: &mut SqliteConnection,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let others: i64 = users::table
        .filter(users::is_active.eq(true))
        .filter(users::id.ne(user.id))
        .count()
        .get_result(conn)?;
    if others == 0 {
        return Err(Veto::new("nobody would be left").field("is_active").into());
    }
    Ok(())
}

fn main() -> lback::Result<()> {
    let mut session = lback::sqlite::connect(":memory:")?.with_state(Quota(2));
    lback::sqlite::migrate(&mut session)?;
    diesel::sql_query(
        "CREATE TABLE profiles (user_id INTEGER PRIMARY KEY REFERENCES users (id), \
         display_name TEXT NOT NULL)",
    )
    .execute(session.conn())?;
    let users = UserRepository::new();
    let password = Password::new("correct horse battery")?;
    let new = |name: &str, email: &str| NewUser::with_password(name, email, password.clone());

    let ada = users.create(&mut session, new("  Ada ", "Ada@Example.COM"))?;
    println!("normalised: {} {}", ada.username, ada.email);
    assert_eq!((&*ada.username, &*ada.email), ("ada", "ada@example.com"));
    assert_eq!(profiles(&mut session)?, ["ada"]);

    refused(
        users.create(&mut session, new("Support", "support@example.com")),
        "this name is reserved",
    );

    let grace = users.create(&mut session, new("grace", "grace@example.com"))?;
    refused(
        users.create(&mut session, new("linus", "linus@example.com")),
        "there are 2 users already",
    );
    assert_eq!(profiles(&mut session)?, ["ada", "grace"]);

    let inactive = || UserChanges {
        is_active: Some(false),
        ..Default::default()
    };
    users.update(&mut session, &grace, inactive())?;
    refused(
        users.update(&mut session, &ada, inactive()),
        "nobody would be left",
    );

    users.delete(&mut session, &grace)?;
    println!("deleted, and the profile with it");
    assert_eq!(profiles(&mut session)?, ["ada"]);
    Ok(())
}

fn refused(outcome: lback::Result<User>, why: &str) {
    match outcome {
        Err(Error::Vetoed {
            message, receiver, ..
        }) => {
            println!("refused by {}: {message}", receiver.path);
            assert_eq!(message, why);
        }
        other => panic!("it is vetoed, and not {other:?}"),
    }
}

fn profiles(session: &mut Session) -> lback::Result<Vec<String>> {
    Ok(profiles::table
        .order(profiles::user_id)
        .select(profiles::display_name)
        .load(session.conn())?)
}

diesel::table! {
    profiles (user_id) {
        user_id -> BigInt,
        display_name -> Text,
    }
}
