//! Checks parameters: what each asks for, and in which form.

use proc_macro2::{Ident, Span};
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, ExprClosure, FnArg, GenericArgument, Lifetime, Pat, PathArguments, Signature, Type,
    TypeImplTrait, TypeReference,
};

use super::parse::is_receiver;
use super::placement::article;
use super::valid::{Exclusive, Keep, Kept, Lend, Lent, Looked, Owned, Shared, State, When};
use crate::item::MaybeItemFn;
use crate::mistake::Mistakes;
use crate::name::{asked_for, identifier};

/// What a parameter asks for.
pub(super) struct Asked {
    name: Ident,
    source: Source,
    form: Lend,
    written: Type,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    State,
    Connection,
    Session,
    Signal,
    Argument,
}

/// The parameters of a function.
pub(super) fn of_function(sig: &Signature, mistakes: &mut Mistakes) -> Vec<Asked> {
    let lifetimes: Vec<_> = sig
        .generics
        .lifetimes()
        .map(|each| each.lifetime.clone())
        .collect();
    let mut all = Vec::new();
    for input in &sig.inputs {
        match input {
            FnArg::Receiver(receiver) => mistakes.add(
                receiver,
                "a method cannot be a receiver; move the function out of the `impl`, and take \
                 what it needs as `sender` or `#[state]`",
            ),
            FnArg::Typed(typed) => {
                all.extend(asked(
                    &typed.attrs,
                    &typed.pat,
                    &typed.ty,
                    &lifetimes,
                    mistakes,
                ));
            }
        }
    }
    together(&all, mistakes);
    all
}

/// A closure that looks at arguments: `when`, and `ordered`.
pub(super) fn looking(closure: ExprClosure, mistakes: &mut Mistakes) -> When {
    When {
        parameters: of_closure(&closure, mistakes)
            .into_iter()
            .filter_map(|asked| asked.looked_at(mistakes))
            .collect(),
        closure,
    }
}

fn of_closure(closure: &ExprClosure, mistakes: &mut Mistakes) -> Vec<Asked> {
    let mut all = Vec::new();
    for input in &closure.inputs {
        match input {
            Pat::Type(typed) => {
                all.extend(asked(&typed.attrs, &typed.pat, &typed.ty, &[], mistakes));
            }
            other => mistakes.add(other, "write the argument's type too: `|user: &User| ..`"),
        }
    }
    together(&all, mistakes);
    all
}

/// The function without `#[state]` and `#[conn]`, which the compiler does not know.
///
/// A further `#[receiver]` below this one has still to see it.
pub(super) fn without_marks(mut function: MaybeItemFn) -> MaybeItemFn {
    if !function.attrs.iter().any(is_receiver) {
        for input in &mut function.sig.inputs {
            if let FnArg::Typed(typed) = input {
                typed.attrs.retain(|attr| marked(attr).is_none());
            }
        }
    }
    function
}

fn asked(
    attrs: &[Attribute],
    pat: &Pat,
    ty: &Type,
    lifetimes: &[Lifetime],
    mistakes: &mut Mistakes,
) -> Option<Asked> {
    let mark = mark(attrs, mistakes);
    let name = match pat {
        Pat::Ident(plain) if plain.by_ref.is_none() && plain.subpat.is_none() => &plain.ident,
        Pat::Wild(_) => {
            mistakes.add(
                pat,
                "a parameter's name says which argument it gets; an unused one is written `_user`",
            );
            return None;
        }
        _ => {
            mistakes.add(
                pat,
                "a parameter's name says which argument it gets; give it a plain name and take it \
                 apart in the body",
            );
            return None;
        }
    };
    let mut elided = ty.clone();
    Elide {
        lifetimes,
        mistakes,
    }
    .visit_type_mut(&mut elided);
    let source = match asked_for(name).as_str() {
        _ if mark.is_some() => mark.unwrap_or(Source::Argument),
        "conn" => Source::Connection,
        "session" => Source::Session,
        "signal" => Source::Signal,
        _ => Source::Argument,
    };
    Some(Asked {
        name: name.clone(),
        source,
        form: form(name.span(), elided),
        written: ty.clone(),
    })
}

/// What `#[state]` or `#[conn]` says that the parameter is, whatever its name.
fn mark(attrs: &[Attribute], mistakes: &mut Mistakes) -> Option<Source> {
    let mut mark = None;
    for attr in attrs {
        if let Some(source) = marked(attr) {
            if mark.is_some_and(|other| other != source) {
                mistakes.add(attr, "a parameter is one of both: `#[state]` or `#[conn]`");
            }
            mark = Some(source);
            if attr.meta.require_path_only().is_err() {
                mistakes.add(
                    attr,
                    match source {
                        Source::State => "write `#[state]`; the parameter's type says which state",
                        _ => "write `#[conn]`; the session's connection stands in its place",
                    },
                );
            }
        } else if attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr") {
            mistakes.add(
                attr,
                "put the `#[cfg]` on the whole receiver, and write one per case",
            );
        }
    }
    mark
}

fn marked(attr: &Attribute) -> Option<Source> {
    let path = attr.path();
    match () {
        () if path.is_ident("state") => Some(Source::State),
        () if path.is_ident("conn") => Some(Source::Connection),
        () => None,
    }
}

/// Two parameters for one argument, or two ways to one connection.
fn together(all: &[Asked], mistakes: &mut Mistakes) {
    let of_signal = || all.iter().filter(|asked| asked.source != Source::State);
    for (i, asked) in of_signal().enumerate() {
        let wanted = asked.wanted_of_signal();
        if of_signal()
            .take(i)
            .any(|earlier| earlier.wanted_of_signal() == wanted)
        {
            mistakes.add(
                &asked.name,
                format!("the argument `{wanted}` is already taken"),
            );
        }
    }
    let has_session = all.iter().any(|asked| asked.source == Source::Session);
    let conn = all.iter().find(|asked| asked.source == Source::Connection);
    if let (true, Some(conn)) = (has_session, conn) {
        mistakes.add(
            &conn.name,
            "`session` and `conn` are the same connection; take `session` only, and call \
             `session.conn()`",
        );
    }
}

fn form(place: Span, ty: Type) -> Lend {
    match ty {
        // What `macro_rules!` passes as `$ty:ty`.
        Type::Group(group) => form(place, *group.elem),
        Type::Paren(paren) => form(place, *paren.elem),
        Type::Reference(ty) if ty.mutability.is_some() => Lend::Exclusive(Exclusive { place, ty }),
        Type::Reference(ty) => Lend::Shared(Shared { place, ty }),
        ty => Lend::Owned(Owned { place, ty }),
    }
}

impl Asked {
    /// What is asked of the signal: a marked connection may have any name.
    fn wanted_of_signal(&self) -> String {
        match self.source {
            Source::Connection => "conn".to_owned(),
            _ => asked_for(&self.name),
        }
    }

    /// For a receiver in the transaction.
    pub(super) fn lent(self, mistakes: &mut Mistakes) -> Option<Lent> {
        match self.source {
            Source::State => self.state(mistakes).map(Lent::State),
            Source::Signal => self.shared(mistakes).map(Lent::Signal),
            Source::Connection => self.borrowed(mistakes).map(Lent::Connection),
            Source::Session => self.borrowed(mistakes).map(Lent::Session),
            Source::Argument => Some(Lent::Argument(self.wanted(), self.form)),
        }
    }

    /// Of an `async` receiver: it runs while others have the connection.
    pub(super) fn is_without_session(&self, mistakes: &mut Mistakes) -> bool {
        let is_without = !matches!(self.source, Source::Connection | Source::Session);
        if !is_without {
            mistakes.add(
                &self.name,
                "an `async` receiver holds no connection while it waits; take \
                 `#[state] database: &Database`, and write with `database.run(..).await`",
            );
        }
        is_without
    }

    /// For an effect, of which `phase` is the name.
    pub(super) fn kept(self, phase: &Ident, mistakes: &mut Mistakes) -> Option<Kept> {
        match self.source {
            Source::State => self.state(mistakes).map(Kept::State),
            Source::Signal => self.shared(mistakes).map(Kept::Signal),
            Source::Connection => self.borrowed(mistakes).map(Kept::Connection),
            Source::Session => self.borrowed(mistakes).map(Kept::Session),
            Source::Argument => {
                let article = article(phase);
                let remedy = format!(
                    "{article} `{phase}` receiver gets a copy, and cannot change it; take `&`"
                );
                let name = self.wanted();
                self.looked(&remedy, mistakes)
                    .map(|form| Kept::Argument(name, form))
            }
        }
    }

    /// For a condition.
    pub(super) fn looked_at(self, mistakes: &mut Mistakes) -> Option<Looked> {
        match self.source {
            Source::Signal => self.shared(mistakes).map(Looked::Signal),
            Source::Argument => {
                let name = self.wanted();
                self.looked("a condition only looks; take `&`", mistakes)
                    .map(|form| Looked::Argument(name, form))
            }
            Source::State | Source::Connection | Source::Session => {
                mistakes.add(
                    &self.name,
                    "a condition sees only the arguments of the signal, because it is decided before anything is \
                     prepared for the receiver; decide this in the receiver",
                );
                None
            }
        }
    }

    /// The argument's name, with the place of the parameter's.
    fn wanted(&self) -> Ident {
        identifier(&asked_for(&self.name), self.name.span()).unwrap_or_else(|| self.name.clone())
    }

    /// As `&T` or `T`.
    fn looked(self, remedy: &str, mistakes: &mut Mistakes) -> Option<Keep> {
        match self.form {
            Lend::Shared(form) => Some(Keep::Shared(form)),
            Lend::Owned(form) => Some(Keep::Owned(form)),
            Lend::Exclusive(_) => {
                mistakes.add(&self.written, remedy);
                None
            }
        }
    }

    /// As `&T`, or as `Option<&T>`.
    fn state(self, mistakes: &mut Mistakes) -> Option<State> {
        if let Lend::Owned(Owned { place, ty }) = &self.form {
            if let Some(inner) = optional(ty) {
                return Some(State {
                    place: *place,
                    ty: inner,
                    optional: Some(ty.clone()),
                });
            }
        }
        let Shared { place, ty } = self.shared(mistakes)?;
        Some(State {
            place,
            ty,
            optional: None,
        })
    }

    /// As `&T`.
    fn shared(self, mistakes: &mut Mistakes) -> Option<Shared> {
        if let Lend::Shared(shared) = self.form {
            return Some(shared);
        }
        let name = &self.name;
        let what = if self.source == Source::State {
            "a state"
        } else {
            "the signal"
        };
        mistakes.add(
            &self.written,
            format!("{what} is shared: write `{name}: &..`"),
        );
        None
    }

    /// As `&T` or `&mut T`.
    fn borrowed(self, mistakes: &mut Mistakes) -> Option<Lend> {
        if let Lend::Owned(_) = self.form {
            let name = &self.name;
            mistakes.add(
                &self.written,
                format!("`{name}` is lent: write `{name}: &mut ..`"),
            );
            return None;
        }
        if let (Source::Session, Some(name)) = (self.source, connection(&self.written)) {
            mistakes.add(
                &self.written,
                format!(
                    "`session` is the session around the connection: write `session: &mut Session`, \
                     or `conn: &mut {name}`"
                ),
            );
            return None;
        }
        Some(self.form)
    }
}

/// The `SqliteConnection` in `&mut SqliteConnection`.
fn connection(ty: &Type) -> Option<&Ident> {
    let Type::Reference(reference) = ty else {
        return None;
    };
    let Type::Path(path) = &*reference.elem else {
        return None;
    };
    let name = &path.path.segments.last()?.ident;
    [
        "SqliteConnection",
        "PgConnection",
        "MysqlConnection",
        "BlockingPgConnection",
        "AsyncPgConnection",
    ]
    .iter()
    .any(|known| name == known)
    .then_some(name)
}

/// The `&T` in `Option<&T>`.
fn optional(ty: &Type) -> Option<TypeReference> {
    let Type::Path(path) = ty else {
        return None;
    };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    match arguments.args.first()? {
        GenericArgument::Type(Type::Reference(inner))
            if last.ident == "Option" && inner.mutability.is_none() =>
        {
            Some(inner.clone())
        }
        _ => None,
    }
}

/// Replaces the function's lifetimes, which its handler does not have, and refuses `impl Trait`.
struct Elide<'a> {
    lifetimes: &'a [Lifetime],
    mistakes: &'a mut Mistakes,
}

impl VisitMut for Elide<'_> {
    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if self.lifetimes.contains(lifetime) {
            *lifetime = Lifetime::new("'_", lifetime.span());
        }
    }

    fn visit_type_impl_trait_mut(&mut self, ty: &mut TypeImplTrait) {
        self.mistakes.add(
            &*ty,
            "a receiver has no type parameters; write the argument's type",
        );
        visit_mut::visit_type_impl_trait_mut(self, ty);
    }
}
