//! Checks what stands between the attribute's brackets.

use proc_macro2::{Ident, Span};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Expr, ExprClosure, Lit, LitStr, Path, UnOp};

use super::durable;
use super::parse::Argument;
use super::valid::{Phase, Placement};
use crate::mistake::Mistakes;
use crate::option::{self, Given, list, nearest, set};

const OPTIONS: [&str; 13] = [
    "order",
    "before",
    "after",
    "when",
    "on_error",
    "id",
    "alias",
    "version",
    "upcast",
    "max_attempts",
    "lease",
    "batch",
    "ordered",
];
const PHASES: [&str; 3] = ["after_commit", "after_rollback", "durable"];

/// When it runs, if not at once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Effect(Phase),
    Durable,
}

/// The arguments, each in its place.
#[derive(Default)]
pub(super) struct Arguments {
    pub(super) signals: Vec<Path>,
    pub(super) phase: Option<Given<Mode>>,
    pub(super) isolate: Option<Span>,
    /// A signal is there, if wrongly in quotes.
    pub(super) is_quoted: bool,
    pub(super) when: Option<Given<Option<ExprClosure>>>,
    order: Option<Given<Option<i32>>>,
    on_error: Option<Given<()>>,
    pub(super) id: Option<Given<Option<LitStr>>>,
    before: Vec<Path>,
    after: Vec<Path>,
    pub(super) durable: durable::Options,
}

impl Arguments {
    pub(super) fn sort(written: &[Argument], mistakes: &mut Mistakes) -> Self {
        let mut arguments = Self::default();
        for argument in written {
            match argument {
                Argument::Path(path) => arguments.path(path, mistakes),
                Argument::Option(name, value) => arguments.option(name, value, mistakes),
                Argument::Quoted(path) => {
                    arguments.is_quoted = true;
                    let name = path.value();
                    mistakes.add(
                        path,
                        format!("a signal is a path, without quotes: `{name}`"),
                    );
                }
            }
        }
        if let (Some(phase), Some(isolate)) = (&arguments.phase, arguments.isolate) {
            let name = &phase.name;
            mistakes.absorb(syn::Error::new(
                isolate,
                format!(
                    "{} `{name}` receiver runs outside the transaction and fails alone anyway; \
                     leave `on_error` out",
                    article(name)
                ),
            ));
        }
        arguments
    }

    pub(super) fn placement(self) -> Placement {
        Placement {
            id: self.id.and_then(|given| given.value),
            order: self.order.and_then(|given| given.value),
            before: self.before,
            after: self.after,
        }
    }

    fn path(&mut self, path: &Path, mistakes: &mut Mistakes) {
        if let Some(name) = path.get_ident() {
            match name.to_string().as_str() {
                "after_commit" => {
                    return self.phase(name, Mode::Effect(Phase::AfterCommit), mistakes);
                }
                "after_rollback" => {
                    return self.phase(name, Mode::Effect(Phase::AfterRollback), mistakes);
                }
                "durable" => return self.phase(name, Mode::Durable, mistakes),
                word => {
                    if let Some(remedy) = not_a_signal(word) {
                        return mistakes.add(name, remedy);
                    }
                }
            }
        }
        let written = path.to_token_stream().to_string();
        if self
            .signals
            .iter()
            .any(|other| other.to_token_stream().to_string() == written)
        {
            mistakes.add(path, format!("`{written}` is named twice; keep one"));
        } else {
            self.signals.push(path.clone());
        }
    }

    fn phase(&mut self, name: &Ident, phase: Mode, mistakes: &mut Mistakes) {
        match &self.phase {
            Some(given) if given.value != phase => mistakes.add(
                name,
                "a receiver has one phase; write a second receiver for the other one",
            ),
            _ => set(&mut self.phase, name.clone(), phase, mistakes),
        }
    }

    fn option(&mut self, name: &Ident, value: &Expr, mistakes: &mut Mistakes) {
        let own = name.clone();
        match name.to_string().as_str() {
            "order" => {
                let number = mistakes.value(number(value));
                set(&mut self.order, own, number, mistakes);
            }
            "before" => self
                .before
                .extend(mistakes.value(paths(name, value)).unwrap_or_default()),
            "after" => self
                .after
                .extend(mistakes.value(paths(name, value)).unwrap_or_default()),
            "when" => {
                let closure = mistakes.value(closure(value));
                set(&mut self.when, own, closure, mistakes);
            }
            "on_error" => {
                if mistakes.value(is_isolated(value)) == Some(true) {
                    self.isolate = Some(value.span());
                }
                set(&mut self.on_error, own, (), mistakes);
            }
            "id" => {
                let id = mistakes.value(id(value));
                set(&mut self.id, own, id, mistakes);
            }
            option if durable::OPTIONS.contains(&option) => {
                self.durable.option(own, value, mistakes);
            }
            phase if PHASES.contains(&phase) => {
                mistakes.add(name, format!("`{phase}` stands alone, without a value"));
            }
            _ => mistakes.add(name, option::no_such(name, &OPTIONS)),
        }
    }
}

/// What stands before the name of a phase.
pub(super) fn article(phase: &Ident) -> &'static str {
    if phase == "durable" { "a" } else { "an" }
}

/// The remedy, if a bare word was meant as a phase or an option.
fn not_a_signal(word: &str) -> Option<String> {
    if word == "isolate" || word == "abort" {
        return Some(format!("write `on_error = \"{word}\"`"));
    }
    if OPTIONS.contains(&word) {
        let example = match word {
            "order" => "-10",
            "when" => "|user: &User| user.is_active",
            "on_error" => "\"isolate\"",
            "id" => "\"audit.user\"",
            option if durable::OPTIONS.contains(&option) => durable::example(option),
            _ => "other_receiver",
        };
        return Some(format!("`{word}` needs a value: `{word} = {example}`"));
    }
    if let Some(phase) = nearest(word, &PHASES) {
        return Some(format!("did you mean `{phase}`?"));
    }
    // A signal has a noun and a verb: a word of one part was rather meant as an option.
    let known: Vec<_> = OPTIONS
        .iter()
        .copied()
        .chain(["isolate", "abort"])
        .collect();
    let meant = (!word.contains('_') || word.starts_with("on_"))
        .then(|| nearest(word, &known))
        .flatten()?;
    let option = not_a_signal(meant)?;
    Some(format!(
        "`{word}` is no signal; did you mean `{meant}`? {option}"
    ))
}

fn number(value: &Expr) -> syn::Result<i32> {
    let remedy = |tokens: &Expr| {
        syn::Error::new_spanned(
            tokens,
            "`order` is a whole number, lower runs first: `order = -10`",
        )
    };
    let (sign, digits) = match option::bare(value) {
        Expr::Unary(negated) if matches!(negated.op, UnOp::Neg(_)) => ("-", &*negated.expr),
        positive => ("", positive),
    };
    let Expr::Lit(syn::ExprLit {
        lit: Lit::Int(digits),
        ..
    }) = digits
    else {
        return Err(remedy(value));
    };
    if !matches!(digits.suffix(), "" | "i32") {
        return Err(remedy(value));
    }
    format!("{sign}{}", digits.base10_digits())
        .parse()
        .map_err(|_| syn::Error::new_spanned(value, "`order` does not fit: it is an `i32`"))
}

fn paths(name: &Ident, value: &Expr) -> syn::Result<Vec<Path>> {
    match value {
        Expr::Path(path) if path.qself.is_none() => Ok(vec![path.path.clone()]),
        Expr::Array(array) => {
            let lists: syn::Result<Vec<_>> =
                array.elems.iter().map(|each| paths(name, each)).collect();
            Ok(lists?.into_iter().flatten().collect())
        }
        _ => Err(syn::Error::new_spanned(
            value,
            format!("`{name}` names another receiver by its path: `{name} = audit::record`"),
        )),
    }
}

fn closure(value: &Expr) -> syn::Result<ExprClosure> {
    option::closure(value).ok_or_else(|| {
        syn::Error::new_spanned(
            value,
            "`when` is a closure over arguments of the signal: \
             `when = |user: &User| user.is_active`",
        )
    })
}

fn is_isolated(value: &Expr) -> syn::Result<bool> {
    match text(value).map(LitStr::value).as_deref() {
        Some("isolate") => Ok(true),
        Some("abort") => Ok(false),
        _ => {
            let values = list(&["\"isolate\"", "\"abort\""]);
            Err(syn::Error::new_spanned(
                value,
                format!("the values of `on_error` are {values}"),
            ))
        }
    }
}

fn id(value: &Expr) -> syn::Result<LitStr> {
    match text(value) {
        Some(id) if !id.value().trim().is_empty() => Ok(id.clone()),
        _ => Err(syn::Error::new_spanned(
            value,
            "`id` is a text that is not empty: `id = \"audit.user\"`",
        )),
    }
}

fn text(value: &Expr) -> Option<&LitStr> {
    match option::bare(value) {
        Expr::Lit(syn::ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Some(text),
        _ => None,
    }
}
