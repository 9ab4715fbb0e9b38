use std::collections::{BTreeSet, VecDeque};

use super::{End, Node, Script};

/// The bound that the trees are run with: low, so that many of them reach it.
pub const MAX_GENERATIONS: u32 = 2;

/// What must have happened, and what must be stored.
#[derive(Debug, Default)]
pub struct Model {
    /// What happened, in order.
    pub log: Vec<String>,
    /// The rows that lasted.
    pub stored: BTreeSet<u32>,
    /// How deep it went.
    pub deepest: u32,
    /// What the tree reached.
    pub reached: BTreeSet<&'static str>,
    waiting: VecDeque<Effect>,
    is_draining: bool,
    generation: u32,
    queued: u32,
    depth: u32,
}

/// What happened inside a level that is not over.
#[derive(Default)]
struct Frame {
    rows: Vec<u32>,
    /// Queued by what lasts so far.
    queued: Vec<Effect>,
    /// After-rollback effects of what did not last.
    lost: Vec<Effect>,
}

#[derive(Debug)]
struct Effect {
    is_after_commit: bool,
    name: String,
    script: Script,
    generation: u32,
    number: u32,
}

impl Model {
    /// Runs a tree.
    pub fn run(&mut self, tree: &[Node]) {
        for node in tree {
            let end = self.node(node, None);
            self.log.push(format!("top {end:?}"));
        }
    }

    fn script(&mut self, script: &Script, frame: &mut Frame) -> End {
        for node in &script.nodes {
            match self.node(node, Some(frame)) {
                End::Ok => {}
                ended => return ended,
            }
        }
        script.end
    }

    fn node(&mut self, node: &Node, parent: Option<&mut Frame>) -> End {
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        let end = match node {
            Node::Transaction { inside, swallow } => {
                let end = self.level(parent, |model, frame| model.script(inside, frame));
                self.swallowed(end, *swallow)
            }
            Node::Write { swallow, .. } => {
                let end = self.write(node, parent);
                self.swallowed(end, *swallow)
            }
            Node::OnCommit { id, effect } => {
                let Some(effect) = self.effect(true, format!("committed {id}"), effect) else {
                    self.depth -= 1;
                    return End::Ok;
                };
                match parent {
                    Some(frame) => frame.queued.push(effect),
                    None => self.run_effect(&effect),
                }
                End::Ok
            }
            Node::OnRollback { id, effect } => {
                if let Some(frame) = parent {
                    let name = format!("rolled back {id}");
                    frame.queued.extend(self.effect(false, name, effect));
                }
                End::Ok
            }
        };
        self.depth -= 1;
        end
    }

    fn swallowed(&mut self, end: End, swallow: bool) -> End {
        match end {
            End::Ok => End::Ok,
            end if swallow => {
                self.log.push(format!("swallowed {end:?}"));
                End::Ok
            }
            end => end,
        }
    }

    fn write(&mut self, node: &Node, parent: Option<&mut Frame>) -> End {
        let Node::Write {
            id,
            isolated,
            nested,
            effect,
            lament,
            ..
        } = node
        else {
            unreachable!("only writes are written");
        };
        if self.generation >= MAX_GENERATIONS {
            self.reached.insert("refused generation");
            return End::Error;
        }
        self.level(parent, |model, frame| {
            frame
                .queued
                .extend(model.effect(true, format!("stored {id}"), effect));
            frame
                .queued
                .extend(model.effect(false, format!("lost {id}"), lament));
            model.log.push(format!("write {id}"));
            frame.rows.push(*id);
            match model.level(Some(frame), |model, frame| model.script(isolated, frame)) {
                End::Ok => {}
                End::Error => {
                    model.reached.insert("isolated failure");
                    model.log.push("failure Error".to_owned());
                }
                End::Panic => return End::Panic,
            }
            model.script(nested, frame)
        })
    }

    /// A level of its own: a savepoint, or the outermost.
    fn level(
        &mut self,
        parent: Option<&mut Frame>,
        work: impl FnOnce(&mut Self, &mut Frame) -> End,
    ) -> End {
        let mut frame = Frame::default();
        let end = work(self, &mut frame);
        let Frame {
            rows,
            queued,
            mut lost,
        } = frame;
        let queued = if end == End::Ok {
            queued
        } else {
            let rolled_back = queued.into_iter().filter(|effect| !effect.is_after_commit);
            lost.extend(rolled_back);
            Vec::new()
        };
        let rows = if end == End::Ok { rows } else { Vec::new() };
        match parent {
            Some(parent) => {
                let kind = match end {
                    End::Ok => "released savepoint",
                    End::Error => "failed savepoint",
                    End::Panic => "panicking savepoint",
                };
                self.reached.insert(kind);
                parent.rows.extend(rows);
                parent.queued.extend(queued);
                parent.lost.extend(lost);
            }
            None => {
                self.reached.insert(match end {
                    End::Ok => "commit",
                    End::Error => "rollback",
                    End::Panic => "panicking transaction",
                });
                self.stored.extend(rows);
                lost.sort_by_key(|effect| effect.number);
                self.waiting.extend(lost);
                self.waiting
                    .extend(queued.into_iter().filter(|effect| effect.is_after_commit));
                self.drain();
            }
        }
        end
    }

    fn effect(&mut self, is_after_commit: bool, name: String, script: &Script) -> Option<Effect> {
        if self.generation >= MAX_GENERATIONS {
            self.reached.insert("refused generation");
            self.log.push("failure Error".to_owned());
            return None;
        }
        self.queued += 1;
        Some(Effect {
            is_after_commit,
            name,
            script: script.clone(),
            generation: self.generation + 1,
            number: self.queued,
        })
    }

    fn drain(&mut self) {
        if self.is_draining {
            return;
        }
        self.is_draining = true;
        while let Some(effect) = self.waiting.pop_front() {
            self.run_effect(&effect);
        }
        self.is_draining = false;
    }

    fn run_effect(&mut self, effect: &Effect) {
        let outer = std::mem::replace(&mut self.generation, effect.generation);
        self.log.push(effect.name.clone());
        self.reached.insert(if effect.is_after_commit {
            "after commit"
        } else {
            "after rollback"
        });
        if effect.generation > 1 {
            self.reached.insert("effect of an effect");
        }
        let mut end = effect.script.end;
        for node in &effect.script.nodes {
            match self.node(node, None) {
                End::Ok => {}
                ended => {
                    end = ended;
                    break;
                }
            }
        }
        self.generation = outer;
        if end != End::Ok {
            self.reached.insert(if end == End::Error {
                "failing effect"
            } else {
                "panicking effect"
            });
            self.log.push(format!("failure {end:?}"));
        }
    }
}
