//! Settings that may be missing, and how one layer of them is laid over another.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::super::{
    ChooseBy, ClassWeights, HeadFit, HeadInit, OptimizerConfig, SchedulerKind, SettingsError,
    Weights,
};
use crate::{
    AugmentationPolicy, AugmentationSet, Crop, CropMode, Interpolation, Method, did_you_mean,
};

pub type Result<T> = std::result::Result<T, SettingsError>;

/// A field of a partial form: a setting that may be missing, or the partial form of a table.
pub trait Layer: Sized {
    /// Reads the value at a dotted key.
    fn read(value: Value, key: &str) -> Result<Self>;

    /// Lays `over` on top: what it holds wins.
    fn overlay(&mut self, over: Self);
}

/// The value of one setting.
pub trait Setting: Sized {
    /// Reads the value at a dotted key.
    fn read(value: Value, key: &str) -> Result<Self>;

    /// Lays `over` on top.
    fn overlay(&mut self, over: Self) {
        *self = over;
    }
}

impl<T: Setting> Layer for Option<T> {
    fn read(value: Value, key: &str) -> Result<Self> {
        T::read(value, key).map(Some)
    }

    fn overlay(&mut self, over: Self) {
        match (self.as_mut(), over) {
            (Some(under), Some(over)) => under.overlay(over),
            (None, over @ Some(_)) => *self = over,
            (_, None) => {}
        }
    }
}

/// A struct of fields that may be missing.
pub trait Form {
    /// The keys of its fields.
    const KEYS: &[&str];

    /// Returns the keys that are given.
    fn given(&self) -> Vec<&'static str>;
}

/// Defines a [`Form`], how it is read from a table, and how another one is laid over it. With
/// `chosen by FIELD`, another choice in that field replaces everything that lies under it.
macro_rules! partial {
    (
        $(#[$doc:meta])*
        pub struct $form:ident $(chosen by $choice:ident)? {
            $($field:ident: $type:ty,)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $form {
            $(
                #[doc = concat!("The setting `", stringify!($field), "`, as far as it is given.")]
                pub $field: $type,
            )+
        }

        impl $crate::settings::partial::layer::Form for $form {
            const KEYS: &[&str] = &[$(stringify!($field)),+];

            fn given(&self) -> Vec<&'static str> {
                let fields = [$((stringify!($field), self.$field != <$type>::default())),+];
                fields.into_iter().filter(|(_, is_given)| *is_given).map(|(key, _)| key).collect()
            }
        }

        impl $crate::settings::partial::layer::Layer for $form {
            fn read(value: toml::Value, key: &str) -> $crate::settings::partial::layer::Result<Self> {
                use $crate::settings::partial::layer::{Form, Layer, join, no_such_setting, table};
                let mut form = Self::default();
                for (name, value) in table(value, key)? {
                    let key = join(key, &name);
                    match name.as_str() {
                        $(stringify!($field) => form.$field = Layer::read(value, &key)?,)+
                        _ => return Err(no_such_setting(key, Self::KEYS)),
                    }
                }
                Ok(form)
            }

            fn overlay(&mut self, over: Self) {
                $(
                    if let (Some(under), Some(other)) = (&self.$choice, &over.$choice)
                        && under.name() != other.name()
                    {
                        *self = over;
                        return;
                    }
                )?
                $($crate::settings::partial::layer::Layer::overlay(&mut self.$field, over.$field);)+
            }
        }
    };
}
pub(super) use partial;

/// Appends a name to a dotted key.
pub fn join(key: &str, name: &str) -> String {
    if key.is_empty() { name.into() } else { format!("{key}.{name}") }
}

pub fn table(value: Value, key: &str) -> Result<Table> {
    match value {
        Value::Table(table) => Ok(table),
        found => Err(wrong(found, key, "a table")),
    }
}

/// The error for a key that does not exist. `siblings` are the keys that exist in its table.
pub fn no_such_setting(key: String, siblings: &[&str]) -> SettingsError {
    let (parent, name) = key.rsplit_once('.').unwrap_or(("", &key));
    let nearest = did_you_mean(name, siblings.iter().copied()).map(|nearest| join(parent, nearest));
    SettingsError::NoSuchSetting { key, nearest }
}

fn wrong(found: Value, key: &str, expected: &'static str) -> SettingsError {
    SettingsError::WrongValue { key: key.into(), found, expected, nearest: None }
}

/// Reads a value with `read`, or says what was `expected`.
fn expect<T>(
    value: Value,
    key: &str,
    expected: &'static str,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<T> {
    read(&value).ok_or_else(|| wrong(value, key, expected))
}

fn text(value: Value, key: &str) -> Result<String> {
    expect(value, key, "text in quotes", |value| value.as_str().map(String::from))
}

/// Reads a number. TOML writes 1 without a point.
fn number(value: &Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64))
}

fn numbers<const N: usize>(value: &Value) -> Option<[f64; N]> {
    let numbers: Option<Vec<f64>> = value.as_array()?.iter().map(number).collect();
    numbers?.try_into().ok()
}

/// Whole numbers.
macro_rules! whole {
    ($($type:ty)+) => {$(
        impl Setting for $type {
            fn read(value: Value, key: &str) -> Result<Self> {
                expect(value, key, "a whole number", |value| value.as_integer()?.try_into().ok())
            }
        }
    )+};
}
whole!(u32 u64 usize);

/// Choices that are read from their name.
macro_rules! named {
    ($($type:ty)+) => {$(
        impl Setting for $type {
            fn read(value: Value, key: &str) -> Result<Self> {
                Ok(text(value, key)?.parse()?)
            }
        }
    )+};
}
named!(Method ChooseBy HeadFit HeadInit OptimizerConfig SchedulerKind);
named!(AugmentationSet AugmentationPolicy Crop CropMode Interpolation);

impl Setting for f64 {
    fn read(value: Value, key: &str) -> Result<Self> {
        expect(value, key, "a number", number)
    }
}

impl Setting for bool {
    fn read(value: Value, key: &str) -> Result<Self> {
        expect(value, key, "true or false", Value::as_bool)
    }
}

impl Setting for String {
    fn read(value: Value, key: &str) -> Result<Self> {
        text(value, key)
    }
}

impl Setting for Weights {
    fn read(value: Value, key: &str) -> Result<Self> {
        text(value, key).map(Weights::from)
    }
}

impl Setting for Vec<String> {
    fn read(value: Value, key: &str) -> Result<Self> {
        expect(value, key, "a list of texts in quotes", |value| {
            value.as_array()?.iter().map(|entry| entry.as_str().map(String::from)).collect()
        })
    }
}

impl Setting for [f64; 2] {
    fn read(value: Value, key: &str) -> Result<Self> {
        expect(value, key, "two numbers", numbers)
    }
}

impl Setting for [f32; 3] {
    fn read(value: Value, key: &str) -> Result<Self> {
        expect(value, key, "three numbers", |value| {
            Some(numbers(value)?.map(|number| number as f32))
        })
    }
}

impl Setting for ClassWeights {
    fn read(value: Value, key: &str) -> Result<Self> {
        const WORDS: [&str; 2] = ["none", "balanced"];
        let weights = |table: &Table| -> Option<BTreeMap<String, f64>> {
            table.iter().map(|(class, weight)| Some((class.clone(), number(weight)?))).collect()
        };
        let read = match &value {
            Value::String(word) if word == "none" => Some(ClassWeights::None),
            Value::String(word) if word == "balanced" => Some(ClassWeights::Balanced),
            Value::Table(table) => weights(table).map(ClassWeights::Given),
            _ => None,
        };
        read.ok_or_else(|| SettingsError::WrongValue {
            key: key.into(),
            nearest: value.as_str().and_then(|word| did_you_mean(word, WORDS)),
            found: value,
            expected: "none, balanced, or a weight for each class, such as { beagle = 2.0 }",
        })
    }

    /// Lays weights of single classes over those of all.
    fn overlay(&mut self, over: Self) {
        match (self, over) {
            (ClassWeights::Given(under), ClassWeights::Given(over)) => under.extend(over),
            (under, over) => *under = over,
        }
    }
}
