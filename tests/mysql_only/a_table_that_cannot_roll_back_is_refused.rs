//! A table of an engine without transactions (MyISAM, Aria) keeps its rows through ROLLBACK, so a veto
//! could not take one back: a repository refuses to write to it, before anything is written.

use diesel::connection::SimpleConnection as _;
use lback::Error;
use lback_tests::parcels::{create_table, parcel, parcels};

use crate::database::*;

mod on_myisam {
    use super::*;

    own_parcels!();
}

mod on_either {
    use super::*;

    own_parcels!();
}

mod on_innodb {
    use super::*;

    own_parcels!();
}

fn count(database: &Database) -> i64 {
    parcels::table
        .count()
        .get_result(&mut database.connection())
        .unwrap()
}

#[test]
fn until_it_is_converted() {
    let Some(database) = Database::empty() else {
        return;
    };
    let mut session = database.session();
    create_table(session.conn(), MADE_KEY, " ENGINE = MyISAM");
    for created in [
        on_myisam::Parcels.create(&mut session, parcel("a")),
        session.transaction(|session| on_myisam::Parcels.create(session, parcel("a"))),
    ] {
        let Err(error @ Error::Unsupported { .. }) = created else {
            panic!("{created:?}");
        };
        assert!(error.to_string().contains("MyISAM"), "{error}");
    }
    let many = on_myisam::Parcels.create_many(&mut session, [parcel("a"), parcel("b")]);
    assert!(matches!(many, Err(Error::Unsupported { .. })), "{many:?}");
    assert_eq!(count(&database), 0);
    assert!(on_myisam::Parcels.find(&mut session, 1).unwrap().is_none());

    session
        .conn()
        .batch_execute("ALTER TABLE parcels ENGINE = InnoDB")
        .unwrap();
    on_myisam::Parcels
        .create(&mut session, parcel("a"))
        .unwrap();
    on_innodb::Parcels
        .create(&mut session, parcel("b"))
        .unwrap();
    assert_eq!(count(&database), 2);
}

/// What is known of a table is known of one in that database.
#[test]
fn in_another_database_of_the_same_process() {
    let (Some(sound), Some(unsound)) = (Database::empty(), Database::empty()) else {
        return;
    };
    let mut session = sound.session();
    create_table(session.conn(), MADE_KEY, "");
    on_either::Parcels
        .create(&mut session, parcel("a"))
        .unwrap();
    let mut session = unsound.session();
    create_table(session.conn(), MADE_KEY, " ENGINE = MyISAM");
    let created = on_either::Parcels.create(&mut session, parcel("a"));
    assert!(
        matches!(created, Err(Error::Unsupported { .. })),
        "{created:?}"
    );
    assert_eq!(count(&unsound), 0);
}
