//! The operations of automatic augmentation, their ranges and AutoAugment's pairs against
//! torchvision on Pillow images.

mod common;

use std::collections::BTreeMap;

use common::fixture;
use kennel_data::policy::{IMAGENET, Operation, Part, Ranges};
use kennel_data::{RgbImage, decode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Debug, Deserialize)]
struct Case {
    file: String,
    photo: usize,
    operation: String,
    magnitudes: Vec<f64>,
}

#[derive(Deserialize)]
struct Definitions {
    spaces: Vec<Space>,
    imagenet: Vec<[(String, f64, Option<u32>); 2]>,
}

#[derive(Deserialize)]
struct Space {
    policy: String,
    width: u32,
    height: u32,
    bins: u32,
    operations: BTreeMap<String, Values>,
}

#[derive(Deserialize)]
struct Values {
    magnitudes: Vec<f64>,
    signed: bool,
}

fn json<T: DeserializeOwned>(name: &str) -> T {
    serde_json::from_slice(&std::fs::read(fixture("auto_augment").join(name)).unwrap()).unwrap()
}

fn picture(name: &str) -> RgbImage {
    decode(&std::fs::read(fixture("auto_augment").join(name)).unwrap()).unwrap().photo
}

fn named(name: &str) -> Operation {
    let mut all = Operation::DRAWN.into_iter().chain([Operation::Invert]);
    all.find(|operation| format!("{operation:?}") == name).unwrap_or_else(|| panic!("{name}"))
}

/// The promise is one grey level on 99.9 % of values. The arithmetic is Pillow's, so all values are
/// equal.
#[test]
fn every_operation_is_that_of_torchvision_bit_for_bit() {
    let mut differing: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for case in json::<Vec<Case>>("cases.json") {
        let photo = picture(&format!("photo_{}.png", case.photo));
        let mut found = Vec::new();
        for &magnitude in &case.magnitudes {
            let mut changed = photo.clone();
            named(&case.operation).apply(&mut changed, magnitude);
            found.extend(changed.into_raw());
        }
        let expected = picture(&case.file).into_raw();
        assert_eq!(found.len(), expected.len(), "{case:?}");
        let others = found.iter().zip(&expected).filter(|(a, b)| a != b).count();
        let of = differing.entry(case.operation).or_default();
        *of = (of.0 + others, of.1 + found.len());
    }
    assert_eq!(differing.len(), 15);
    for (operation, (others, all)) in &differing {
        println!("{operation:12} {others} of {all} values differ");
    }
    assert!(differing.values().all(|(others, _)| *others == 0), "{differing:?}");
}

#[test]
fn magnitudes_are_those_of_torchvision_bit_for_bit() {
    for space in json::<Definitions>("ranges.json").spaces {
        let size = (space.width, space.height);
        let ranges = match space.policy.as_str() {
            "randaugment" => Ranges::rand_augment(size),
            "trivialaugment" => Ranges::trivial_augment(),
            _ => Ranges::auto_augment(size),
        };
        assert_eq!(ranges.bins, space.bins);
        let has_identity = space.operations.contains_key("Identity");
        assert_eq!((has_identity, space.operations.len()), (space.policy != "autoaugment", 14));
        for (name, values) in space.operations {
            let operation = named(&name);
            assert_eq!(operation.is_signed(), values.signed, "{name}");
            for (bin, &expected) in values.magnitudes.iter().enumerate() {
                let found = ranges.magnitude(operation, bin as u32);
                assert_eq!(found, expected, "{} {name} {bin}", space.policy);
            }
        }
    }
}

#[test]
fn the_pairs_of_auto_augment_are_those_of_torchvision() {
    let part = |(name, probability, bin): (String, f64, Option<u32>)| {
        let operation = named(&name);
        Part { operation, probability, bin }
    };
    let expected: Vec<[Part; 2]> = json::<Definitions>("ranges.json")
        .imagenet
        .into_iter()
        .map(|pair| pair.map(part))
        .collect();
    assert_eq!(IMAGENET.as_slice(), expected);
}
