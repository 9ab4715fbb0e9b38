//! `Set::default_value()` gives a column its default back, and receivers see which that is.

use diesel::connection::SimpleConnection;
use lback_tests::Trace;

use crate::database::*;

diesel::table! {
    lamps (id) {
        id -> BigInt,
        colour -> VarChar,
        watts -> Integer,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = lamps)]
pub struct Lamp {
    pub id: i64,
    pub colour: String,
    pub watts: i32,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = lamps)]
pub struct NewLamp {
    pub colour: String,
    pub watts: i32,
}

#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = lamps)]
pub struct LampChanges {
    pub colour: Option<Set<String>>,
    pub watts: Option<Set<i32>>,
}

impl Validate for NewLamp {}
impl Validate for LampChanges {}

own_repository!(Lamps: entity = Lamp, table = lamps, insert = NewLamp, update = LampChanges);

#[receiver(lamp_post_update)]
fn changed(lamp: &Lamp, #[state] trace: &Trace) {
    trace.note(format!("{} {}", lamp.colour, lamp.watts));
}

#[test]
fn alone_and_beside_others() -> lback::Result<()> {
    let Some(database) = Database::empty() else {
        return Ok(());
    };
    let table = format!(
        "CREATE TABLE lamps (id {MADE_KEY}, colour VARCHAR(20) NOT NULL DEFAULT 'white', \
         watts INTEGER NOT NULL)"
    );
    database.connection().batch_execute(&table).unwrap();
    let trace = Trace::new();
    let mut session = database.session().with_state(trace.clone());
    let new = ["red", "blue"].map(|colour| NewLamp {
        colour: colour.into(),
        watts: 5,
    });
    let lamps = Lamps.create_many(&mut session, new)?;
    let back = || LampChanges {
        colour: Some(Set::default_value()),
        watts: None,
    };
    let lamp = Lamps.update(&mut session, &lamps[0], back())?;
    assert_eq!((&*lamp.colour, lamp.watts), ("white", 5));
    let brighter = LampChanges {
        watts: Some(Set::plus(lamps::watts, 2)),
        ..back()
    };
    assert_eq!(
        Lamps.update_where(&mut session, lamps::id.gt(0), brighter)?,
        2
    );
    assert_eq!(trace.take(), ["white 5", "white 7", "white 7"]);
    Ok(())
}
