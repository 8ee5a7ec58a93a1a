//! The page of an audit.

use kennel_core::{DuplicateKind, Lang};
use maud::{Markup, html};

use super::language::Words;

impl Words {
    /// Title of the window.
    pub fn labels_of(self, photos: usize) -> String {
        match self.0 {
            Lang::En => format!("Labels of {}", self.photos(photos)),
            Lang::Ru => format!("Метки, {}", self.photos(photos)),
        }
    }

    /// What the networks said of all photos.
    pub fn audit_lead(self, photos: Markup, as_labelled: Markup, wrong: Markup) -> Markup {
        match self.0 {
            Lang::En => html! {
                "Networks judged " (photos) " photos that they had not seen in training. Their \
                 answer is the label for "
                (as_labelled) ". An estimated " strong { (wrong) } " labels are wrong."
            },
            Lang::Ru => html! {
                "Сети оценили фотографии, которых не видели при обучении (" (photos) "). Их ответ \
                 совпал с меткой на "
                (as_labelled) ". Неверных меток, по оценке: " strong { (wrong) } "."
            },
        }
    }

    /// An estimated number with its interval.
    pub fn estimate(self, count: Markup, low: Markup, high: Markup) -> Markup {
        html! { (count) " (" (self.say("95 % CI ", "95 % ДИ ")) (low) "-" (high) ")" }
    }

    /// How many entries the page leaves out.
    pub fn more_in_json(self, n: usize) -> Markup {
        let file = html! { code { "audit.json" } };
        match self.0 {
            Lang::En => html! { "And " (n) " more, in " (file) "." },
            Lang::Ru => html! { "И ещё " (n) ", в " (file) "." },
        }
    }

    /// What makes a photo ambiguous.
    pub fn ambiguous_meaning(self, margin: f64, share: f64) -> String {
        let [margin, share] = [margin, share].map(|share| self.fixed(100.0 * share, 0));
        match self.0 {
            Lang::En => format!(
                "The label and one other class are at most {margin} points apart, and have at \
                 least {share} % together."
            ),
            Lang::Ru => format!(
                "Метка и ещё один класс расходятся не больше чем на {margin} пунктов, а вместе \
                 имеют не меньше {share} %."
            ),
        }
    }

    /// What makes a photo an outlier.
    pub fn outliers_meaning(self, neighbours: usize, fence: f64) -> String {
        let fence = self.decimal(fence.to_string());
        match self.0 {
            Lang::En => format!(
                "Photos unlike all others: the mean cosine distance of their features to the \
                 {neighbours} nearest photos is more than \
                 {fence} interquartile ranges above the third quartile of all photos. Eleven or \
                 more photos like each other are not \
                 found so."
            ),
            Lang::Ru => format!(
                "Фотографии, не похожие на остальные: среднее косинусное расстояние их признаков \
                 до {neighbours} ближайших фотографий \
                 больше третьего квартиля всех фотографий более чем на {fence} межквартильного \
                 размаха. Одиннадцать и больше похожих \
                 друг на друга фотографий так не находятся."
            ),
        }
    }

    /// How far an outlier is from the others.
    pub fn times_the_median(self, multiple: Markup) -> Markup {
        match self.0 {
            Lang::En => html! { (multiple) " times the median distance" },
            Lang::Ru => html! { "расстояние: " (multiple) " медианы" },
        }
    }

    /// Whether copies are the same file.
    pub fn same_picture(self, kind: DuplicateKind) -> &'static str {
        match kind {
            DuplicateKind::Exact => self.say("The same file", "Один и тот же файл"),
            DuplicateKind::Near | DuplicateKind::Alike => {
                self.say("The same picture", "Одна и та же картинка")
            }
        }
    }

    /// What makes two classes alike.
    pub fn alike_meaning(self, share: f64) -> String {
        let share = self.fixed(100.0 * share, 0);
        match self.0 {
            Lang::En => format!(
                "Classes that are taken for each other: of either, surely {share} % or more (the \
                 lower bound of the interval). Are they \
                 two classes? Say how they differ, or join them."
            ),
            Lang::Ru => format!(
                "Классы, которые принимают друг за друга: у каждого наверняка {share} % или \
                 больше (нижняя граница интервала). Это \
                 два класса? Скажите, чем они отличаются, или объедините их."
            ),
        }
    }

    /// Titles of the table of classes.
    pub fn class_titles(self) -> [&'static str; 3] {
        self.say(
            ["Photos", "In the list", "Estimated wrong"],
            ["Фотографии", "В списке", "Неверных, по оценке"],
        )
    }

    /// Titles of the table of classes alike: words, then numbers.
    pub fn alike_titles(self) -> [[&'static str; 2]; 2] {
        self.say(
            [["First", "Second"], ["First taken for second", "Second taken for first"]],
            [["Первый", "Второй"], ["Первый принят за второй", "Второй принят за первый"]],
        )
    }

    /// The footer.
    pub fn made_from_audit(self, version: &str) -> String {
        match self.0 {
            Lang::En => format!(
                "Made by kennel {version} from the predictions that networks gave for photos they \
                 had not seen."
            ),
            Lang::Ru => format!(
                "Сделано kennel {version} по предсказаниям сетей для фотографий, которых они не \
                 видели."
            ),
        }
    }
}
