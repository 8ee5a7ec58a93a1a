//! The language that chooses the words.

use kennel_core::Lang;

/// The words of one language.
#[derive(Clone, Copy, Debug)]
pub struct Words(pub Lang);

impl Words {
    /// English: the words of the terminal and of files for programs.
    pub const ENGLISH: Words = Words(Lang::En);

    /// Chooses a text.
    pub(super) fn say<T>(self, en: T, ru: T) -> T {
        match self.0 {
            Lang::En => en,
            Lang::Ru => ru,
        }
    }
}
