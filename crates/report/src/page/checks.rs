//! What a reader must know before trusting the numbers, as a short list.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::context::Page;
use crate::{Check, CheckKind, Level};

/// Renders every check: its level by shape, word and colour, one sentence, and the details folded.
pub fn checks(page: &Page) -> Markup {
    let words = page.words;
    let mut kinds: BTreeMap<CheckKind, Vec<&Check>> = BTreeMap::new();
    for check in &page.checks {
        kinds.entry(check.kind).or_default().push(check);
    }
    let gravest =
        |checks: &[&Check]| checks.iter().map(|check| check.level).max().unwrap_or(Level::Fine);
    let mut kinds: Vec<(CheckKind, Level, Vec<&Check>)> =
        kinds.into_iter().map(|(kind, checks)| (kind, gravest(&checks), checks)).collect();
    kinds.sort_by_key(|(kind, level, _)| (std::cmp::Reverse(*level), *kind));
    html! {
        section #checks aria-labelledby="checks-title" {
            h2 #checks-title { (words.before_you_believe_it()) }
            ul.checks {
                @for (kind, level, checks) in &kinds {
                    li class=(class(*level)) {
                        details {
                            summary {
                                (sign(page, *level)) " "
                                strong { (words.check_title(*kind)) ". " }
                                (words.check_in_short(*kind, *level))
                            }
                            ul { @for check in checks { li class=(class(check.level)) {
                                @if check.level != Level::Fine && checks.len() > 1 {
                                    (sign(page, check.level)) " "
                                }
                                (check.text)
                            } } }
                        }
                    }
                }
            }
        }
    }
}

fn class(level: Level) -> &'static str {
    match level {
        Level::Fine => "fine",
        Level::Note => "mind",
        Level::Warning => "warn",
    }
}

fn sign(page: &Page, level: Level) -> Markup {
    let shape = match level {
        Level::Fine => "●",
        Level::Note => "▲",
        Level::Warning => "■",
    };
    html! { span.sign { span aria-hidden="true" { (shape) " " } (page.words.level(level)) } }
}
