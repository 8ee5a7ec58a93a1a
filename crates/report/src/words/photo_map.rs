//! The map of the photos.

use kennel_core::Lang;

use super::language::Words;

impl Words {
    /// What a map of some of the photos shows.
    pub fn map_meaning(self, shown: usize, of: usize) -> String {
        let (shown_photos, all) = (self.photos(shown), self.photos(of));
        match self.0 {
            Lang::En => {
                let which = match shown == of {
                    true => format!("{all}."),
                    false => format!("{shown_photos} of {of}."),
                };
                format!(
                    "{which} Photos that the network sees as alike lie close together; how far \
                     groups lie apart means little. Bright: photos that it was not trained on. \
                     Pale: all others, which look better divided than new photos would. Ringed: \
                     mistakes. A photo among those of another class may have a wrong label."
                )
            }
            Lang::Ru => {
                let which = match shown == of {
                    true => format!("{all}."),
                    false => format!("{shown_photos} из {of}."),
                };
                format!(
                    "{which} Фотографии, похожие для сети, лежат рядом; расстояния между группами \
                     мало что значат. Яркие — фотографии, на которых она не училась. Бледные — все \
                     остальные: они выглядят разделёнными лучше, чем новые. В кольце — ошибки. У \
                     фотографии среди чужого класса метка может быть неверной."
                )
            }
        }
    }

    /// A photo on the map, as plain text: its path, its label, and what the run says where that is
    /// wrong, with its probability.
    pub fn on_map(self, path: &str, label: &str, wrong: Option<(&str, f64)>) -> String {
        let labelled = self.say("labelled", "метка");
        match wrong {
            None => format!("{path}: {labelled} {label}"),
            Some((said, confidence)) => format!(
                "{path}: {labelled} {label}, {} {said}, {}",
                self.say("said", "ответ"),
                self.share(confidence)
            ),
        }
    }
}
