//! How a training went, in a sentence with the evidence. Losses are in nats.

use kennel_core::Lang;

use super::language::Words;

/// A value at the start and at the end of a stretch of epochs.
#[derive(Clone, Copy)]
pub struct Change(pub f64, pub f64);

/// Epochs from and to, counted from 1.
#[derive(Clone, Copy)]
pub struct Epochs(pub usize, pub usize);

impl Words {
    fn nats(self, loss: f64) -> String {
        self.fixed(loss, 3)
    }

    /// The loss is far above that of guessing.
    pub fn diverged(self, train: f64, guessing: f64) -> String {
        let [train, guessing] = [train, guessing].map(|loss| self.nats(loss));
        match self.0 {
            Lang::En => format!(
                "Diverged: training loss ended at {train} nats, where guessing costs {guessing}; \
                 an epoch that looks good is \
                 luck. A lower learning rate."
            ),
            Lang::Ru => format!(
                "Разошлось: потери на обучении в конце {train} ната, а угадывание стоит \
                 {guessing}; эпоха, которая выглядит хорошо, \
                 — случайность. Нужен меньший learning rate."
            ),
        }
    }

    /// The training loss is that of mixed labels.
    pub fn mixed_labels(self) -> String {
        self.say(
            "Mixed labels: MixUp or CutMix gave photos more than one class. Such epochs have no \
             training accuracy, and the training loss is not judged.",
            "Смешанные метки: MixUp или CutMix дали фотографиям больше одного класса. В таких \
             эпохах \
             нет точности на обучении, а потери на обучении не оцениваются.",
        )
        .into()
    }

    fn high_loss(self, train: f64, guessing: f64) -> String {
        let [train, guessing] = [train, guessing].map(|loss| self.nats(loss));
        match self.0 {
            Lang::En => {
                format!("training loss ended at {train} nats, where guessing costs {guessing}")
            }
            Lang::Ru => {
                format!("потери на обучении в конце {train} ната, а угадывание стоит {guessing}")
            }
        }
    }

    /// The head's update is a small share of its start.
    pub fn head_hardly_trained(self, train: f64, guessing: f64, ratio: f64) -> String {
        let (high, ratio) = (self.high_loss(train, guessing), self.fixed(100.0 * ratio, 1));
        match self.0 {
            Lang::En => format!(
                "Head hardly trained: {high}, and the head's update is {ratio} % of its start \
                 (head_update_ratio). A higher \
                 learning rate, at least for the head, or more epochs."
            ),
            Lang::Ru => format!(
                "Голова почти не обучена: {high}, а сдвиг головы — {ratio} % её начала \
                 (head_update_ratio). Нужен больший learning \
                 rate, хотя бы для головы, или больше эпох."
            ),
        }
    }

    /// The loss is still high.
    pub fn underfitting(self, train: f64, guessing: f64, is_falling: bool) -> String {
        let high = self.high_loss(train, guessing);
        let falling = match is_falling {
            true => self.say(", and was still falling", ", и ещё падали"),
            false => "",
        };
        match self.0 {
            Lang::En => {
                format!("Underfitting: {high}{falling}. A higher learning rate or more epochs.")
            }
            Lang::Ru => {
                format!(
                    "Недообучение: {high}{falling}. Нужен больший learning rate или больше эпох."
                )
            }
        }
    }

    /// Validation loss rises and training loss does not fall.
    pub fn diverging(self, epochs: Epochs, val: Change, train: Change) -> String {
        let Epochs(from, to) = epochs;
        let [low, high, then, now] = [val.0, val.1, train.0, train.1].map(|loss| self.nats(loss));
        match self.0 {
            Lang::En => format!(
                "Diverging: from epoch {from} to {to} validation loss rose from {low} to {high} \
                 nats and training loss went \
                 from {then} to {now}. A lower learning rate."
            ),
            Lang::Ru => format!(
                "Расходится: с эпохи {from} по {to} потери на валидации выросли с {low} до {high} \
                 ната, а на обучении изменились с \
                 {then} до {now}. Нужен меньший learning rate."
            ),
        }
    }

    /// Validation loss rises while training loss falls.
    pub fn overfitting(self, epochs: Epochs, val: Change, train: Change) -> String {
        let Epochs(from, to) = epochs;
        let [low, high, then, now] = [val.0, val.1, train.0, train.1].map(|loss| self.nats(loss));
        match self.0 {
            Lang::En => format!(
                "Overfitting: from epoch {from} to {to} validation loss rose from {low} to {high} \
                 nats while training loss \
                 fell from {then} to {now}. Fewer epochs or stronger augmentation."
            ),
            Lang::Ru => format!(
                "Переобучение: с эпохи {from} по {to} потери на валидации выросли с {low} до \
                 {high} ната, а на обучении упали с \
                 {then} до {now}. Нужно меньше эпох или сильнее аугментация."
            ),
        }
    }

    /// Both losses were still falling.
    pub fn still_improving(self, from: usize, train: Change, val: Change) -> String {
        let [train_then, train_now, val_then, val_now] =
            [train.0, train.1, val.0, val.1].map(|loss| self.nats(loss));
        match self.0 {
            Lang::En => format!(
                "Still improving: both losses were still falling when training ended (from epoch \
                 {from} on, training {train_then} \
                 to {train_now}, validation {val_then} to {val_now} nats). More epochs may bring \
                 more."
            ),
            Lang::Ru => format!(
                "Ещё улучшается: в конце обучения падали обе потери (начиная с эпохи {from}: на \
                 обучении с {train_then} до \
                 {train_now}, на валидации с {val_then} до {val_now} ната). Больше эпох могут \
                 дать больше."
            ),
        }
    }

    /// Both losses have settled. `noise`: they still fall by no more than so many nats.
    pub fn converged(
        self,
        epochs: Epochs,
        train: Change,
        val: Change,
        noise: Option<f64>,
    ) -> String {
        let Epochs(from, to) = epochs;
        let [train_then, train_now, val_then, val_now] =
            [train.0, train.1, val.0, val.1].map(|loss| self.nats(loss));
        let noise = noise.map(|nats| self.decimal(nats.to_string()));
        match self.0 {
            Lang::En => {
                let little = noise.map_or_else(String::new, |nats| {
                    format!(", both by no more than {nats} nats, the noise of some hundred photos")
                });
                format!(
                    "Converged: from epoch {from} to {to} training loss went from {train_then} to \
                     {train_now} nats and validation loss from \
                     {val_then} to {val_now}{little}."
                )
            }
            Lang::Ru => {
                let little = noise.map_or_else(String::new, |nats| {
                    format!(
                        ", то и другое не больше чем на {nats} ната — шум нескольких сотен \
                        фотографий"
                    )
                });
                format!(
                    "Сошлось: с эпохи {from} по {to} потери на обучении изменились с {train_then} \
                     до {train_now} ната, на валидации с \
                     {val_then} до {val_now}{little}."
                )
            }
        }
    }
}
