//! `authenticate` says no more than yes or no, and does the same work for unknown users.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::database::*;
use diesel::connection::SimpleConnection;
use lback::Page;
use lback::password::Hasher;
use lback_tests::new_user;

const USERS: UserRepository = UserRepository::new();

fn hashers() -> [Hasher; 2] {
    [
        Hasher::argon2id(8, 1, 1).expect("the least that argon2 has"),
        Hasher::bcrypt(4).expect("the least that bcrypt has"),
    ]
}

#[test]
fn and_nobody_else() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let mut session = database.session();
    let longest = "x".repeat(72);
    for (number, hasher) in hashers().into_iter().enumerate() {
        let name = |name: &str| format!("{name}{number}");
        for (user, password, is_active) in [
            ("active", "correct horse", true),
            ("inactive", "correct horse", false),
            ("longest", longest.as_str(), true),
        ] {
            let mut new = new_user(&name(user));
            new.password = hasher.hash(password).expect("a valid password");
            new.is_active = is_active;
            USERS.create(&mut session, new).expect("it is valid");
        }
        for (user, password, is_let_in) in [
            ("active", "correct horse", true),
            ("active", "Correct horse", false),
            ("active", "correct horse ", false),
            ("active", "correct horse\0", false),
            ("active", "correct\0horse", false),
            ("active", "", false),
            ("inactive", "correct horse", false),
            ("inactive", "wrong", false),
            ("unknown", "correct horse", false),
            ("unknown", "", false),
            ("longest", &longest, true),
            ("longest", &format!("{longest}x"), false),
            ("longest", &longest[1..], false),
            ("active", &"x".repeat(100_000), false),
            ("unknown", &"x".repeat(100_000), false),
            ("unknown", "\0", false),
        ] {
            let user = name(user);
            let found = USERS.authenticate(&mut session, &user, password);
            let found = found.unwrap_or_else(|error| panic!("{user}: {error}"));
            assert_eq!(found.is_some(), is_let_in, "{user}, {number}");
            if let Some(found) = found {
                assert_eq!(found.username, user);
            }
        }
        for odd in ["", " ", "active0\0", "ACTIVE0", "active0 "] {
            let found = USERS.authenticate(&mut session, odd, "correct horse");
            assert_eq!(found.expect("it can be looked for"), None, "{odd:?}");
        }
    }
}

/// What other programs store where a user has no password, or one of their own kind.
const UNUSABLE: [&str; 5] = [
    "!",
    "",
    "!u3Vtc4Tz1vyLlJ8lNlXGVaL5nC9hqxJjlB3lBqH0",
    "pbkdf2_sha256$870000$abc$R0ibYIPlTo5tBEyTAvf5H3DjNIbhjdxqlwN5mOCnTGk=",
    "$bcrypt-sha256$v=2,t=2b,r=12$n79VH.0Q2TMWmt3Oqt9uku$Kq4Noyk3094Y2QlB8NdRT8SvGiI4ft2",
];

/// Users with such texts for a hash, beside one with a password.
fn with_unusable_hashes() -> Option<(Database, Session)> {
    let database = Database::fresh()?;
    let mut session = database.session();
    let ada = NewUser::new("ada", "ada@example.com", "correct horse").expect("valid");
    USERS.create(&mut session, ada).expect("it is valid");
    for (number, hash) in UNUSABLE.iter().enumerate() {
        let name = format!("unusable{number}");
        USERS.create(&mut session, new_user(&name)).expect("valid");
        let update = format!("UPDATE users SET password = '{hash}' WHERE username = '{name}'");
        session.conn().batch_execute(&update).expect("it is stored");
    }
    Some((database, session))
}

/// With the default hasher, whose work stands out from everything else.
#[test]
fn an_unknown_name_and_an_unusable_hash_take_as_long_as_a_wrong_password() {
    let Some((_database, mut session)) = with_unusable_hashes() else {
        return;
    };
    let mut work = |name: &str| -> Duration {
        let start = now();
        let found = USERS.authenticate(&mut session, name, "wrong");
        assert_eq!(found.expect("it can be looked for"), None);
        now() - start
    };
    let mut names = vec!["ada".to_owned(), "nobody".to_owned()];
    names.extend((0..UNUSABLE.len()).map(|number| format!("unusable{number}")));
    let mut least = vec![Duration::MAX; names.len()];
    for _ in 0..7 {
        for (least, name) in least.iter_mut().zip(&names) {
            *least = (*least).min(work(name));
        }
    }
    // Without the hashing it would be a hundredth.
    for (name, time) in names.iter().zip(&least).skip(1) {
        let ratio = time.as_secs_f64() / least[0].as_secs_f64();
        assert!(
            (0.5..2.0).contains(&ratio),
            "{name}: {time:?}, {:?}",
            least[0]
        );
    }
}

#[test]
fn those_with_an_unusable_hash_can_be_listed() {
    let Some((_database, mut session)) = with_unusable_hashes() else {
        return;
    };
    let mut listed = |page| -> Vec<String> {
        let users = USERS.list_unusable_passwords(&mut session, page);
        let users = users.expect("it can be read");
        users.into_iter().map(|user| user.username).collect()
    };
    let all: Vec<_> = (0..UNUSABLE.len())
        .map(|number| format!("unusable{number}"))
        .collect();
    assert_eq!(listed(Page::new(0, 100)), all);
    assert_eq!(listed(Page::new(1, 2)), all[2..4]);
    assert_eq!(listed(Page::new(9, 2)), [""; 0]);
}

/// The time that this thread had a processor, where the system tells it: what passes meanwhile
/// depends on who else uses the machine.
fn now() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    let on_a_processor = std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split(' ').next()?.parse().ok());
    match on_a_processor {
        Some(nanoseconds) => Duration::from_nanos(nanoseconds),
        None => START.get_or_init(Instant::now).elapsed(),
    }
}
