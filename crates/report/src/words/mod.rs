//! All words of the pages, in English and Russian. Nothing else in this room holds a sentence for
//! a reader of a page.
//!
//! A word or a sentence is a method of [`Words`], with both languages side by side: a text that
//! lacks one of them does not compile. Numbers inside a sentence arrive ready: as markup that names
//! where they come from, or formatted by [`numerals`].

mod language;
mod numerals;
mod plural;

mod audit;
mod checks;
mod comparison;
mod figures;
mod headline;
mod labels;
mod photo_map;
mod run;
mod training;

pub use comparison::Compared;
pub use language::Words;
pub use run::Ahead;
pub use training::{Change, Epochs};
