//! Options of attributes: filling them in once, and guessing at misspelt ones.

use proc_macro2::Ident;
use syn::parse::ParseStream;
use syn::{Expr, ExprClosure, Token};

use crate::mistake::Mistakes;

/// An option's value and its name as written, at which mistakes with it are reported.
pub(crate) struct Given<T> {
    pub(crate) name: Ident,
    pub(crate) value: T,
}

/// Fills in an option that may be given once.
pub(crate) fn set<T>(slot: &mut Option<Given<T>>, name: Ident, value: T, mistakes: &mut Mistakes) {
    if slot.is_some() {
        mistakes.add(&name, format!("`{name}` is given twice; keep one"));
    } else {
        *slot = Some(Given { name, value });
    }
}

/// What to say of an option that does not exist.
pub(crate) fn no_such(name: &Ident, known: &[&str]) -> String {
    let list = list(known);
    match nearest(&name.to_string(), known) {
        Some(guess) => format!("there is no option `{name}`; did you mean `{guess}`?"),
        None => format!("there is no option `{name}`; the options are {list}"),
    }
}

/// "`a`, `b` and `c`".
pub(crate) fn list(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// The value without what `macro_rules!` puts around a `$value:literal` or `$value:expr`.
pub(crate) fn bare(value: &Expr) -> &Expr {
    match value {
        Expr::Group(group) => bare(&group.expr),
        value => value,
    }
}

/// A closure that is not `async`.
pub(crate) fn closure(value: &Expr) -> Option<ExprClosure> {
    match bare(value) {
        Expr::Closure(closure) if closure.asyncness.is_none() => Some(closure.clone()),
        _ => None,
    }
}

/// Whatever may separate two arguments: a comma, or the end.
///
/// Returns whether another argument follows.
pub(crate) fn comma(input: ParseStream<'_>) -> syn::Result<bool> {
    if input.is_empty() {
        return Ok(false);
    }
    input.parse::<Token![,]>()?;
    Ok(!input.is_empty())
}

/// The known name that is at most two edits away, or one from a name of two letters.
pub(crate) fn nearest<'k>(written: &str, known: &[&'k str]) -> Option<&'k str> {
    known
        .iter()
        .map(|&name| (distance(written, name), name))
        .filter(|&(edits, name)| edits <= (name.len() / 2).min(2))
        .min_by_key(|&(edits, _)| edits)
        .map(|(_, name)| name)
}

/// Levenshtein's distance.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, r) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(l != *r);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::{list, nearest};

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        let known = ["after_commit", "after_rollback", "order"];
        assert_eq!(nearest("aftercommit", &known), Some("after_commit"));
        assert_eq!(nearest("after_comit", &known), Some("after_commit"));
        assert_eq!(nearest("oder", &known), Some("order"));
        assert_eq!(nearest("idd", &["id"]), Some("id"));
        assert_eq!(nearest("user_post_create", &known), None);
        assert_eq!(nearest("odd", &known), None);
    }

    #[test]
    fn names_are_listed_as_in_a_sentence() {
        assert_eq!(list(&["a"]), "`a`");
        assert_eq!(list(&["a", "b", "c"]), "`a`, `b` and `c`");
    }
}
