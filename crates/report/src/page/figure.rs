//! A figure on the page.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use maud::{Markup, html};

use crate::Figure;

/// Renders a figure, inlined.
pub fn figure(figure: &Figure) -> Markup {
    let (width, height) = figure.svg.size_px();
    let data = BASE64_STANDARD.encode(figure.svg.as_str());
    html! {
        // Wider than a phone, where it scrolls.
        figure tabindex="0" {
            img src={ "data:image/svg+xml;base64," (data) } alt=(figure.alt) width=(width) height=(height);
            // The same words as `alt`: a screen reader should read them once.
            figcaption aria-hidden="true" { (figure.alt) "." }
        }
    }
}
