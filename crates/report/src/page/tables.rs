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
