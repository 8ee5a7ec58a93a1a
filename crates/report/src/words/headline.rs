//! The first screen and the gallery.

use kennel_core::Lang;
use kennel_metrics::Proportion;
use maud::{Markup, html};

use super::language::Words;
use super::plural::{english, english_count, russian};
use crate::honesty::Level;
use crate::judged_on::HeldOut;

impl Words {
    /// `of 507 test photos are right`.
    pub fn right_on(self, held_out: HeldOut, n: usize) -> String {
        match (self.0, held_out) {
            (Lang::En, HeldOut::Test) => format!("of {} right", self.test_photos(n)),
            (Lang::En, HeldOut::Validation) => format!("of {n} validation photos right"),
            (Lang::En, HeldOut::OutOfFold) => format!("of {} right, out of fold", self.photos(n)),
            (Lang::Ru, HeldOut::Test) => {
                let of = russian(
                    n,
                    ["тестовой фотографии", "тестовых фотографий", "тестовых фотографий"],
                );
                format!("верных ответов на {n} {of}")
            }
            (Lang::Ru, HeldOut::Validation) => {
                format!("верных ответов, валидация, фотографий: {n}")
            }
            (Lang::Ru, HeldOut::OutOfFold) => format!("верных ответов вне блоков, фотографий: {n}"),
        }
    }

    /// What the drawing of the headline shows.
    pub fn headline_strip(self, accuracy: &Proportion) -> String {
        let (share, interval) = (self.share(accuracy.value), self.interval(accuracy));
        match self.0 {
            Lang::En => format!("Accuracy {share}, 95 % interval {interval}"),
            Lang::Ru => format!("Точность {share}, интервал 95 %: {interval}"),
        }
    }

    /// The key of the interval.
    pub fn interval_of(self, interval: Markup) -> Markup {
        match self.0 {
            Lang::En => html! { "95 % interval " (interval) },
            Lang::Ru => html! { "интервал 95 %: " (interval) },
        }
    }

    /// The key of the mark of the most frequent class.
    pub fn always(self, class: &str, support: Markup) -> Markup {
        match self.0 {
            Lang::En => html! { "always saying “" bdi { (class) } "”: " (support) " right" },
            Lang::Ru => html! { "всегда отвечать «" bdi { (class) } "»: верно " (support) },
        }
    }

    /// The key of the mark of the untouched network.
    pub fn untouched(self, accuracy: Markup) -> Markup {
        match self.0 {
            Lang::En => html! { "the network before training: " (accuracy) },
            Lang::Ru => html! { "сеть до обучения: " (accuracy) },
        }
    }

    /// What an accuracy on validation photos is worth.
    pub fn worth_of_validation(self) -> Markup {
        html! { (self.say(
            "There are no test photos: the epoch was chosen on these, so the number is a little \
             too high.",
            "Тестовых фотографий нет: по этим выбрана эпоха, и число немного завышено.",
        )) }
    }

    /// What an accuracy without a warning is worth.
    pub fn worth_of_photos_like_these(self, wrong: usize) -> Markup {
        match self.0 {
            Lang::En if wrong == 0 => html! {
                "Not one of these photos, which were kept from training, is wrong. On photos like \
                 these expect a share inside the interval; of another camera or place it says \
                 nothing."
            },
            Lang::En => html! {
                (self.photos(wrong)) (if wrong == 1 { " is" } else { " are" }) " wrong of those \
                    that were kept from training"
                ". On photos like these expect a share inside the interval; of another camera or \
                 place it says nothing."
            },
            Lang::Ru => html! {
                "Ошибок: " (wrong) " (на фотографиях, которых не было в обучении)"
                ". На таких же фотографиях ждите доли внутри интервала; о другой камере или \
                 другом месте она ничего не говорит."
            },
        }
    }

    /// How many of the other runs are shown to be worse or better.
    pub fn rivals(self, others: usize, worse: usize, better: usize) -> Markup {
        let ties = others - worse - better;
        match self.0 {
            Lang::En => html! {
                "Of the " (others) " other " (english(others, ["run", "runs"])) " in paired tests, "
                (worse) " " (english(worse, ["is", "are"])) " shown to be worse"
                @if better > 0 { ", " (better) " better" }
                "; " @if ties == 0 { "none is" } @else if ties == 1 { "1 \
                 is" } @else { (ties) " are" } " too close to call. "
                a href="#comparison" { "Compare the runs" } "."
            },
            Lang::Ru => html! {
                "Из других запусков в парных тестах (" (others) ") доказано хуже: " (worse)
                @if better > 0 { ", лучше: " (better) }
                "; слишком близко, чтобы решить: " (ties) ". "
                a href="#comparison" { "Сравнить запуски" } "."
            },
        }
    }

    /// A step: look at the mistakes.
    pub fn look_at_mistakes(self, wrong: usize) -> Markup {
        match self.0 {
            Lang::En => html! {
                a href="#photos" { "Look at the " (english(wrong, ["mistake", "mistakes"])) }
                " (" (wrong) "): wrong labels and unusual photos show at once."
            },
            Lang::Ru => html! {
                a href="#photos" { "Посмотрите на ошибки" } " (" (wrong) "): неверные метки и \
                    необычные фотографии видны сразу."
            },
        }
    }

    /// A step: look at the unsure answers.
    pub fn look_at_unsure(self) -> Markup {
        match self.0 {
            Lang::En => {
                html! { a href="#unsure" { "Look at the least sure answers" } ": the next \
                mistakes will look like them." }
            }
            Lang::Ru => {
                html! { a href="#unsure" { "Посмотрите на самые неуверенные ответы" } ": такими \
                будут следующие ошибки." }
            }
        }
    }

    /// A step: look at the labels.
    pub fn look_at_labels(self, wrong: usize) -> Markup {
        match self.0 {
            Lang::En => {
                html! {
                    a href="#labels" { "Check " (english_count(wrong, ["label", "labels"])) }
                    " that may be wrong."
                }
            }
            Lang::Ru => {
                html! { a href="#labels" { "Проверьте метки, которые могут быть \
                неверны" } ": " (wrong) "." }
            }
        }
    }

    /// A step: audit the labels.
    pub fn audit_labels(self, command: &str) -> Markup {
        html! { (self.say("Find labels that may be wrong: ", "Найдите метки, которые могут быть \
        неверны: ")) code { (command) } }
    }

    /// A step: the weakest class.
    pub fn weakest_class(self, class: &str, recall: Markup) -> Markup {
        match self.0 {
            Lang::En => {
                html! { a href="#classes" { "The weakest class \
                is " bdi { (class) } } ": " (recall) " of its photos are right." }
            }
            Lang::Ru => {
                html! { a href="#classes" { "Слабее всех класс " bdi { (class) } } ": \
                верно " (recall) " его фотографий." }
            }
        }
    }

    /// A step: more photos.
    pub fn more_photos_help(self, to: &str) -> Markup {
        match self.0 {
            Lang::En => {
                html! { "More photos will help: " a href=(to) { "how much, and of which \
                class" } "." }
            }
            Lang::Ru => {
                html! { "Новые фотографии помогут: " a href=(to) { "насколько и какого \
                класса" } "." }
            }
        }
    }

    /// A step: train longer.
    pub fn train_longer(self) -> Markup {
        html! { (self.say(
            "Train longer: the losses were still falling, or still high, when training ended.",
            "Учите дольше: в конце обучения потери ещё падали или были велики.",
        )) }
    }

    /// A step: try new photos.
    pub fn try_new_photos(self) -> Markup {
        html! { (self.say(
            "Try it on photos of yours that were not in this data set.",
            "Попробуйте на своих фотографиях, которых не было в этом наборе.",
        )) }
    }

    /// No photo can be shown.
    pub fn no_photos_shown(self, data: &str) -> Markup {
        match self.0 {
            Lang::En => {
                html! { "No photo is shown: those of " code { (data) } " are not there, or not \
                those of this run." }
            }
            Lang::Ru => {
                html! { "Фотографий не видно: в " code { (data) } " их нет или это не фотографии \
                этого запуска." }
            }
        }
    }

    /// Some photos cannot be shown.
    pub fn some_photos_missing(self, n: usize) -> String {
        match self.0 {
            Lang::En => format!(
                "{} not in {} place, or changed.",
                english_count(n, ["photo is", "photos are"]),
                if n == 1 { "its" } else { "their" }
            ),
            Lang::Ru => format!("Фотографий, которых нет на месте или которые изменились: {n}."),
        }
    }

    /// There are no mistakes.
    pub fn no_mistakes(self, held_out: HeldOut, n: usize) -> String {
        let photos = match held_out {
            HeldOut::Test => self.test_photos(n),
            _ => self.photos(n),
        };
        match self.0 {
            Lang::En => format!("None: {photos}, and every answer is right."),
            Lang::Ru => format!("Ни одной: {photos}, и все ответы верны."),
        }
    }

    /// How many of the mistakes are shown.
    pub fn mistakes_shown(self, shown: usize, all: usize) -> String {
        match (self.0, shown == all) {
            (Lang::En, true) => format!(
                "{}, the surest first. Open a photo to see it large.",
                english_count(all, ["mistake", "mistakes"])
            ),
            (Lang::En, false) => {
                format!("The {shown} surest of {all} mistakes. Open a photo to see it large.")
            }
            (Lang::Ru, true) => format!(
                "Ошибок: {all}, сначала самые уверенные. Откройте фотографию, чтобы увидеть её \
                 крупно."
            ),
            (Lang::Ru, false) => {
                format!(
                    "Самые уверенные ошибки: {shown} из {all}. Откройте фотографию, чтобы увидеть \
                     её крупно."
                )
            }
        }
    }

    /// How many of the wrong labels are shown.
    pub fn wrong_labels_shown(self, shown: usize, all: usize) -> String {
        match self.0 {
            Lang::En => format!(
                "The {shown} likeliest of {all} that an audit found. A network makes mistakes, \
                 too: look before you change a label."
            ),
            Lang::Ru => format!(
                "Самые вероятные из найденных проверкой: {shown} из {all}. Сеть тоже ошибается: \
                 посмотрите, прежде чем менять метку."
            ),
        }
    }

    /// A photo, for those who cannot see it.
    pub fn photo_of(self, path: &str) -> String {
        format!("{} {path}", self.say("The photo", "Фотография"))
    }

    /// What a heat map shows.
    pub fn heat_meaning(self) -> &'static str {
        self.say(
            "Beside a photo stands the square of it that the network saw. The lighter a place, the \
             more it speaks for the answer.",
            "Рядом с фотографией — её квадрат, который видела сеть. Чем светлее место, тем больше \
             оно говорит за ответ.",
        )
    }

    /// A heat map, for those who cannot see it.
    pub fn heat_map_of(self, path: &str) -> String {
        format!(
            "{} {path}",
            self.say("Where the network looked in", "Куда смотрела сеть на фотографии")
        )
    }

    /// A right answer.
    pub fn right_answer(self, class: &str, confidence: f64) -> Markup {
        html! { bdi { (class) } ", " span.whole { (self.share(confidence)) } }
    }

    /// A wrong answer.
    pub fn said(self, class: &str, confidence: f64) -> Markup {
        html! {
            (self.say("said ", "ответ ")) strong { bdi { (class) } } ", "
            span.whole { (self.share(confidence)) }
        }
    }

    /// The label of a photo.
    pub fn labelled(self, class: &str) -> Markup {
        html! { (self.say("labelled ", "метка ")) strong { bdi { (class) } } }
    }

    /// The suggested label of a photo.
    pub fn probably(self, class: &str) -> Markup {
        html! { (self.say("probably ", "вероятно ")) strong { bdi { (class) } } }
    }

    /// The level of a check.
    pub fn level(self, level: Level) -> &'static str {
        match level {
            Level::Fine => self.say("Fine", "В порядке"),
            Level::Note => self.say("Mind", "Учтите"),
            Level::Warning => self.say("Warning", "Внимание"),
        }
    }

    /// The footer.
    pub fn made_from_runs(self, version: &str) -> String {
        match self.0 {
            Lang::En => {
                format!("Made by kennel {version} from the predictions that each run keeps.")
            }
            Lang::Ru => {
                format!("Сделано kennel {version} по предсказаниям, которые хранит каждый запуск.")
            }
        }
    }
}
