//! Refuses what has no meaning, all of it at once.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{GenericParam, ReturnType, Signature};

use super::parameter::{self, Asked};
use super::parse;
use super::placement::{Arguments, Mode};
use super::valid::{Delivery, Receiver};
use crate::item::{MaybeItemFn, conditions};
use crate::mistake::Mistakes;

/// The receiver. What is missing from it has been noted as a mistake.
pub(super) fn receiver(
    written: &parse::Arguments,
    function: &MaybeItemFn,
    mistakes: &mut Mistakes,
) -> Receiver {
    let mut arguments = Arguments::sort(&written.all, mistakes);
    if arguments.signals.is_empty() && !arguments.is_quoted && !written.is_cut_short {
        mistakes.absorb(syn::Error::new(
            Span::call_site(),
            "a receiver names the signals it listens to: `#[receiver(user_post_create)]`",
        ));
    }
    signature(&function.sig, mistakes);
    let asked = parameter::of_function(&function.sig, mistakes);
    let is_async = function.sig.asyncness.map(|token| token.span());
    let delivery = delivery(&mut arguments, asked, is_async, mistakes);
    let when = arguments
        .when
        .take()
        .and_then(|given| given.value)
        .map(|closure| parameter::looking(closure, mistakes));
    Receiver {
        function: function.sig.ident.clone(),
        output: output(&function.sig),
        conditions: conditions(&function.attrs),
        signals: std::mem::take(&mut arguments.signals),
        placement: arguments.placement(),
        when,
        delivery,
    }
}

fn delivery(
    arguments: &mut Arguments,
    asked: Vec<Asked>,
    is_async: Option<Span>,
    mistakes: &mut Mistakes,
) -> Delivery {
    let durable = std::mem::take(&mut arguments.durable);
    if !matches!(&arguments.phase, Some(phase) if phase.value == Mode::Durable) {
        durable.refuse(mistakes);
    }
    match &arguments.phase {
        None => Delivery::InTransaction {
            isolate: arguments.isolate,
            parameters: asked
                .into_iter()
                .filter_map(|asked| asked.lent(mistakes))
                .collect(),
            is_async,
        },
        Some(phase) => {
            let named = phase.name.span();
            let parameters: Vec<_> = asked
                .into_iter()
                .filter_map(|asked| {
                    let may_be = is_async.is_none() || asked.is_without_session(mistakes);
                    may_be.then(|| asked.kept(&phase.name, mistakes))?
                })
                .collect();
            match phase.value {
                Mode::Effect(phase) => Delivery::Effect {
                    phase,
                    named,
                    parameters,
                    is_async,
                },
                Mode::Durable => {
                    if arguments.id.is_none() {
                        mistakes.add(
                            &phase.name,
                            "a durable receiver has an id, by which its rows find it wherever the \
                             function has moved to: add `id = \"mail.welcome\"`",
                        );
                    }
                    Delivery::Durable {
                        named,
                        options: durable.checked(&parameters, mistakes).into(),
                        parameters,
                        is_async,
                    }
                }
            }
        }
    }
}

fn output(sig: &Signature) -> Span {
    match &sig.output {
        ReturnType::Default => sig.ident.span(),
        ReturnType::Type(_, ty) => ty.span(),
    }
}

fn signature(sig: &Signature, mistakes: &mut Mistakes) {
    for parameter in &sig.generics.params {
        match parameter {
            GenericParam::Lifetime(_) => {}
            GenericParam::Type(_) | GenericParam::Const(_) => mistakes.add(
                parameter,
                "a receiver has no type or const parameters: it is registered once, with the \
                 types of its signal; write those",
            ),
        }
    }
    if let Some(token) = &sig.unsafety {
        mistakes.add(token, "a receiver is called by safe code; remove `unsafe`");
    }
    if let Some(abi) = &sig.abi {
        mistakes.add(
            abi,
            "a receiver is an ordinary Rust function; remove `extern`",
        );
    }
    if let Some(variadic) = &sig.variadic {
        mistakes.add(variadic, "a receiver names each of its arguments");
    }
}
