//! Checks the options that only a durable receiver has.

use proc_macro2::Ident;
use syn::{Expr, ExprClosure, Lit, LitInt, LitStr, Path};

use super::parameter;
use super::valid::{Durable, Kept};
use crate::mistake::Mistakes;
use crate::option::{self, Given, bare, set};

pub(super) const OPTIONS: [&str; 7] = [
    "alias",
    "version",
    "upcast",
    "max_attempts",
    "lease",
    "batch",
    "ordered",
];

/// A value that the option may have.
pub(super) fn example(option: &str) -> &'static str {
    match option {
        "alias" => "\"old.id\"",
        "version" => "2",
        "upcast" => "from_v1",
        "max_attempts" => "10",
        "lease" => "30",
        "ordered" => "|user: &User| user.id",
        _ => "16",
    }
}

/// The options, each in its place.
#[derive(Default)]
pub(super) struct Options {
    /// As they are written, for what is to be said of all of them.
    named: Vec<Ident>,
    aliases: Vec<LitStr>,
    version: Option<Given<Option<LitInt>>>,
    max_attempts: Option<Given<Option<LitInt>>>,
    lease: Option<Given<Option<LitInt>>>,
    batch: Option<Given<Option<LitInt>>>,
    upcast: Option<Given<Option<Path>>>,
    ordered: Option<Given<Option<ExprClosure>>>,
}

impl Options {
    pub(super) fn option(&mut self, name: Ident, value: &Expr, mistakes: &mut Mistakes) {
        self.named.push(name.clone());
        let slot = match name.to_string().as_str() {
            "alias" => {
                let aliases = mistakes.value(texts(&name, value));
                self.aliases.extend(aliases.unwrap_or_default());
                return;
            }
            "upcast" => {
                let path = mistakes.value(path(value));
                return set(&mut self.upcast, name, path, mistakes);
            }
            "ordered" => {
                let closure = mistakes.value(closure(value));
                return set(&mut self.ordered, name, closure, mistakes);
            }
            "version" => &mut self.version,
            "max_attempts" => &mut self.max_attempts,
            "lease" => &mut self.lease,
            _ => &mut self.batch,
        };
        let number = mistakes.value(number(&name, value));
        set(slot, name, number, mistakes);
    }

    /// Those of a receiver that is not durable have no meaning.
    pub(super) fn refuse(&self, mistakes: &mut Mistakes) {
        for name in &self.named {
            mistakes.add(
                name,
                format!("`{name}` is about the rows of a durable receiver; add `durable`"),
            );
        }
    }

    /// Those of a durable receiver with these parameters.
    pub(super) fn checked(self, parameters: &[Kept], mistakes: &mut Mistakes) -> Durable {
        let writes = parameters
            .iter()
            .any(|each| matches!(each, Kept::Connection(_) | Kept::Session(_)));
        if let (false, Some(batch)) = (writes, &self.batch) {
            mistakes.add(
                &batch.name,
                "`batch` lets deliveries share a transaction, and this receiver has none; take `conn` \
                 or `session`, or leave `batch` out",
            );
        }
        if let (Some(upcast), None) = (&self.upcast, &self.version) {
            mistakes.add(
                &upcast.name,
                "`upcast` turns what earlier versions have stored into this one; say which this one \
                 is, such as `version = 2`",
            );
        }
        let value = |given: Option<Given<Option<LitInt>>>| given.and_then(|given| given.value);
        Durable {
            aliases: self.aliases,
            version: value(self.version),
            max_attempts: value(self.max_attempts),
            lease: value(self.lease),
            batch: value(self.batch),
            upcast: self.upcast.and_then(|given| given.value),
            ordered: self
                .ordered
                .and_then(|given| given.value)
                .map(|closure| parameter::looking(closure, mistakes)),
        }
    }
}

fn number(name: &Ident, value: &Expr) -> syn::Result<LitInt> {
    if let Expr::Lit(literal) = bare(value) {
        if let Lit::Int(number) = &literal.lit {
            let is_plain = matches!(number.suffix(), "" | "u32");
            if is_plain && number.base10_parse::<u32>().is_ok_and(|number| number > 0) {
                return Ok(number.clone());
            }
        }
    }
    let example = example(&name.to_string());
    Err(syn::Error::new_spanned(
        value,
        format!("`{name}` is a whole number from 1 on: `{name} = {example}`"),
    ))
}

fn closure(value: &Expr) -> syn::Result<ExprClosure> {
    option::closure(value).ok_or_else(|| {
        syn::Error::new_spanned(
            value,
            "`ordered` is a closure that gives the key of a row: `ordered = |user: &User| user.id`",
        )
    })
}

fn path(value: &Expr) -> syn::Result<Path> {
    match bare(value) {
        Expr::Path(path) if path.qself.is_none() => Ok(path.path.clone()),
        _ => Err(syn::Error::new_spanned(
            value,
            "`upcast` names a function by its path: `upcast = from_v1`",
        )),
    }
}

fn texts(name: &Ident, value: &Expr) -> syn::Result<Vec<LitStr>> {
    match bare(value) {
        Expr::Lit(syn::ExprLit {
            lit: Lit::Str(text),
            ..
        }) if !text.value().trim().is_empty() => Ok(vec![text.clone()]),
        Expr::Array(array) => {
            let lists: syn::Result<Vec<_>> =
                array.elems.iter().map(|each| texts(name, each)).collect();
            Ok(lists?.into_iter().flatten().collect())
        }
        _ => Err(syn::Error::new_spanned(
            value,
            format!("`{name}` is an earlier id of the receiver: `{name} = \"old.id\"`"),
        )),
    }
}
