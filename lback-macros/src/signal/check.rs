//! Refuses what has no meaning, all of it at once.

use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Attribute, Field, Fields, GenericParam, Ident, ItemStruct, Type, Visibility};

use super::parse::Timing;
use crate::item::conditions;
use crate::mistake::Mistakes;
use crate::name::{identifier, snake};

/// A signal that has been checked.
pub(super) struct Signal {
    pub(super) timing: Timing,
    pub(super) conditions: Vec<Attribute>,
    pub(super) visibility: Visibility,
    /// `OrderShipped`
    pub(super) arguments: Ident,
    /// `order_shipped`
    pub(super) name: Ident,
    pub(super) has_lifetime: bool,
    pub(super) fields: Vec<Ident>,
    /// Whether it says itself that it must be used.
    pub(super) is_must_use: bool,
    /// Whether its fields may be unread: then nothing need read them.
    pub(super) allows_dead_code: bool,
    /// What the field `session` refers to.
    pub(super) session: Option<Type>,
}

/// The signal. What is missing from it has been noted as a mistake.
pub(super) fn signal(timing: Timing, item: ItemStruct, mistakes: &mut Mistakes) -> Option<Signal> {
    let has_lifetime = generics(&item, mistakes);
    let snaked = snake(&item.ident.unraw().to_string());
    if item.ident == snaked {
        let ident = &item.ident;
        mistakes.add(
            ident,
            format!(
                "the signal takes the name `{snaked}`, so the struct needs another: \
                 `{}`",
                crate::name::pascal(&snaked)
            ),
        );
    }
    let mut session = None;
    let fields = item
        .fields
        .iter()
        .filter_map(|field| field.ident.clone())
        .collect();
    match &item.fields {
        Fields::Named(fields) => {
            for field in &fields.named {
                session = argument(field, &item.vis, timing, mistakes).or(session);
            }
        }
        Fields::Unnamed(_) | Fields::Unit => mistakes.add(
            &item.ident,
            "a signal's arguments have names: \
             `struct OrderShipped<'a> { order: &'a Order, session: &'a mut Session }`",
        ),
    }
    Some(Signal {
        timing,
        conditions: conditions(&item.attrs),
        is_must_use: item
            .attrs
            .iter()
            .any(|attr| attr.path().is_ident("must_use")),
        allows_dead_code: allows_dead_code(&item.attrs),
        name: identifier(&snaked, item.ident.span())?,
        visibility: item.vis,
        arguments: item.ident,
        has_lifetime,
        fields,
        session,
    })
}

/// Whether there is a lifetime. More than one is refused, and so are types and constants.
fn generics(item: &ItemStruct, mistakes: &mut Mistakes) -> bool {
    let mut has_lifetime = false;
    for parameter in &item.generics.params {
        match parameter {
            GenericParam::Lifetime(_) if has_lifetime => {
                mistakes.add(
                    parameter,
                    "one lifetime is enough: use it for every argument",
                );
            }
            GenericParam::Lifetime(_) => has_lifetime = true,
            GenericParam::Type(_) | GenericParam::Const(_) => mistakes.add(
                parameter,
                "a signal has no type or const parameters, because receivers are bound to one \
                 type; declare one signal per type",
            ),
        }
    }
    has_lifetime
}

/// Checks a field; what it refers to, if it is the session.
fn argument(
    field: &Field,
    struct_visibility: &Visibility,
    timing: Timing,
    mistakes: &mut Mistakes,
) -> Option<Type> {
    let ident = field.ident.as_ref()?;
    let name = ident.unraw().to_string();
    if !matches!(struct_visibility, Visibility::Inherited)
        && matches!(field.vis, Visibility::Inherited)
    {
        let visibility = struct_visibility
            .to_token_stream()
            .to_string()
            .replace(' ', "");
        mistakes.add(
            ident,
            format!("receivers elsewhere must be able to read `{name}`: make it `{visibility}`"),
        );
    }
    if conditions(&field.attrs).is_empty() {
        // Nothing to say.
    } else {
        mistakes.add(
            conditions(&field.attrs).first(),
            "a signal's arguments are the same in every build; leave the `#[cfg]` out, or give the whole signal one",
        );
    }
    if name == "conn" || name == "signal" {
        let meaning = if name == "conn" {
            "the session's connection"
        } else {
            "the signal itself"
        };
        mistakes.add(
            ident,
            format!("receivers get {meaning} as `{name}`; choose another name"),
        );
    }
    match peeled(&field.ty) {
        Type::Reference(reference) if name == "session" && reference.mutability.is_some() => {
            return Some((*reference.elem).clone());
        }
        _ if name == "session" => {
            mistakes.add(
                &field.ty,
                "the session is lent to receivers: `&'a mut Session`",
            );
        }
        Type::Reference(reference) if reference.mutability.is_some() && timing == Timing::Post => {
            mistakes.add(
                &field.ty,
                "only `#[signal(pre)]` lets receivers change an argument; make it `&'a`, or the \
                 signal `pre`",
            );
        }
        _ => {}
    }
    None
}

/// Without the invisible brackets that `macro_rules!` puts around `$ty:ty`.
fn peeled(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => peeled(&group.elem),
        Type::Paren(paren) => peeled(&paren.elem),
        ty => ty,
    }
}

fn allows_dead_code(attrs: &[Attribute]) -> bool {
    let dead_code = |attr: &Attribute| {
        attr.parse_args::<Ident>()
            .is_ok_and(|lint| lint == "dead_code")
    };
    attrs
        .iter()
        .any(|attr| attr.path().is_ident("allow") && dead_code(attr))
}
