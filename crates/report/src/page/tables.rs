//! Parts of tables.

use maud::{Markup, html};

/// Renders a table's head: columns of words, of numbers, and of words again.
pub fn head(words: &[&str], numbers: &[&str], more: &[&str]) -> Markup {
    html! {
        thead { tr {
            @for title in words { th scope="col" { (title) } }
            @for title in numbers { th.number scope="col" { (title) } }
            @for title in more { th scope="col" { (title) } }
        } }
    }
}

/// Renders a table that scrolls sideways where it is wider than the screen.
pub fn scrolled(label: &str, table: Markup) -> Markup {
    html! { div.scroll role="region" tabindex="0" aria-label=(label) { table { (table) } } }
}

/// Renders a star that marks an entry, and what it means.
pub fn star(meaning: &str) -> Markup {
    html! { span.star { span aria-hidden="true" { "★ " } (meaning) } }
}

/// Renders what readers may skip.
pub fn folded(title: Markup, body: Markup) -> Markup {
    html! { details.more { summary { (title) } (body) } }
}
