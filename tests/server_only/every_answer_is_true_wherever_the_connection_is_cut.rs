//! Each operation is tried once for each message between client and server, and the connection is cut
//! there: before the message, or in the middle of it, whichever way it goes; or the message is late,
//! and the server has lost its patience. Whatever was said is true afterwards.

use std::collections::BTreeMap;

use diesel::connection::SimpleConnection;

use crate::database::*;
use lback::Error;
use lback_tests::trial::{Hearers, Operation, Program, SEEDS, Seen, Told, World, judge, programs};
use lback_tests::wire::{Fault, Way, Wire};
use lback_tests::{Notes, Trace, new_user};

trial_repositories!();

/// A database that each run finds as it was, and a wire to it.
struct Bench {
    wire: Wire,
    through: String,
    direct: Native,
    seeds: BTreeMap<&'static str, UserId>,
    /// What each connection is told first.
    settings: &'static str,
    _database: Database,
}

impl Bench {
    fn new(settings: &'static str) -> Option<Self> {
        let database = Database::fresh()?;
        let mut session = database.session();
        let seeds = SEEDS.map(|name| {
            let user = nobody::Users.create(&mut session, new_user(name));
            (name, user.expect("nothing is cut yet").id)
        });
        let mut direct = database.connection();
        direct
            .batch_execute("CREATE TABLE seeds AS SELECT * FROM users")
            .expect("the table is new");
        let (wire, through) = database.over_a_wire();
        Some(Self {
            wire,
            through,
            direct,
            seeds: seeds.into(),
            settings,
            _database: database,
        })
    }

    /// Runs a program with one fault, and judges what was said. `None` where the program is over
    /// before the fault has struck.
    fn run(
        &mut self,
        program: &Program,
        number: u32,
        way: Way,
        fault: Fault,
    ) -> Option<Result<(), String>> {
        self.direct
            .batch_execute(
                "DELETE FROM notes; DELETE FROM users; INSERT INTO users SELECT * FROM seeds;",
            )
            .expect("nothing is in the way");
        let trace = Trace::new();
        let mut session = connect(&self.through)
            .expect("nothing is cut yet")
            .with_state(trace.clone());
        if !self.settings.is_empty() {
            let set = session.conn().batch_execute(self.settings);
            set.expect("nothing is cut yet");
        }
        let connection = number_of(session.conn());
        self.wire.break_at(number, way, fault);
        let told = run_trial(&mut session, &self.seeds, program);
        if !self.wire.repair() {
            return None;
        }
        let judged = self.examine(session, connection, &told, &trace, fault);
        Some(
            judged
                .map_err(|lie| format!("message {number}: {lie}\n  answers: {:#?}", told.answers)),
        )
    }

    fn examine(
        &mut self,
        mut session: Session,
        connection: i64,
        told: &Told,
        trace: &Trace,
        fault: Fault,
    ) -> Result<(), String> {
        let is_cut = !matches!(fault, Fault::Delay(_));
        if is_cut {
            wait_until_gone(&mut self.direct, connection);
        }
        let seen = Seen {
            world: self.world(),
            trace: trace.take(),
            failures: session.take_failures().latest.len(),
        };
        judge(told, &seen)?;

        // A cut behind the last answer is found out by the next operation.
        for last in [false, true] {
            let again = effects::Users.create(&mut session, new_user("afterwards"));
            let noted = trace.take();
            let is_stored = self.world().users.contains_key("afterwards");
            match again {
                Ok(_) if is_cut => return Err("afterwards: Ok, without a connection".to_owned()),
                Ok(_) if !is_stored => return Err("afterwards: Ok, and not stored".to_owned()),
                Ok(_) if noted != ["created afterwards"] => {
                    return Err(format!("afterwards, effects ran: {noted:?}"));
                }
                Ok(_) | Err(Error::SessionBroken) => return Ok(()),
                Err(_) if is_stored => return Err("afterwards: Err, and stored".to_owned()),
                Err(error) if last => {
                    return Err(format!("the session neither works nor is broken: {error}"));
                }
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn world(&mut self) -> World {
        let users: Vec<(String, bool)> = users::table
            .select((users::username, users::is_active))
            .load(&mut self.direct)
            .expect("nothing is cut here");
        let mut notes = self.direct.read_notes().expect("nothing is cut here");
        notes.sort();
        World {
            users: users.into_iter().collect(),
            notes,
        }
    }
}

fn try_everything(
    mut bench: Bench,
    programs: impl IntoIterator<Item = Program>,
    faults: &[(Way, Fault)],
) {
    let (mut runs, mut lies) = (0, BTreeMap::<String, Vec<String>>::new());
    for program in programs {
        for &(way, fault) in faults {
            for number in 1.. {
                let Some(judged) = bench.run(&program, number, way, fault) else {
                    break;
                };
                runs += 1;
                if let Err(lie) = judged {
                    let kind = format!("{program}, {fault:?} {way:?}");
                    lies.entry(kind).or_default().push(lie);
                }
            }
        }
    }
    println!("{runs} runs");
    for (kind, lies) in &lies {
        println!("{} lies: {kind}, {}\n", lies.len(), lies[0]);
    }
    let count: usize = lies.values().map(Vec::len).sum();
    assert_eq!(count, 0, "lies in {runs} runs");
}

const CUTS: [(Way, Fault); 4] = [
    (Way::ToServer, Fault::Cut),
    (Way::ToServer, Fault::CutInside),
    (Way::ToClient, Fault::Cut),
    (Way::ToClient, Fault::CutInside),
];

#[test]
fn an_operation_by_itself() {
    let Some(bench) = Bench::new("") else {
        return;
    };
    let programs = programs()
        .into_iter()
        .filter(|program| program.name == "alone");
    let faults = if CONNECTS_SLOWLY {
        vec![CUTS[0], CUTS[2]]
    } else {
        CUTS.to_vec()
    };
    try_everything(bench, programs, &faults);
}

#[test]
fn an_operation_in_a_nested_transaction() {
    let Some(bench) = Bench::new("") else {
        return;
    };
    let programs = programs().into_iter().filter(|program| {
        program.hearers == Hearers::Writers
            && program.name == "in a nested transaction that is caught"
            && (!CONNECTS_SLOWLY || matches!(program.operation, Operation::Create(_)))
    });
    try_everything(bench, programs, &[CUTS[0], CUTS[2]]);
}

#[test]
fn an_operation_whose_message_is_late() {
    let (settings, late) = IMPATIENCE;
    let Some(bench) = Bench::new(settings) else {
        return;
    };
    // Each message takes as long as the server is patient, so there are few.
    let programs = programs().into_iter().filter(|program| {
        program.hearers == Hearers::Effects
            && program.operation == Operation::Create("new")
            && (program.name == "alone" || NAME == "PostgreSQL")
    });
    try_everything(bench, programs, &[(Way::ToServer, Fault::Delay(late))]);
}
