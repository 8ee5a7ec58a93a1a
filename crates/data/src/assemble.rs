//! Turns a scan into a manifest: the split, the duplicates, the paths, and notes for the user.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use kennel_core::{
    DuplicateGroup, DuplicateKind, Hint, Manifest, PhotoRecord, Split, caseless, composed,
};

use crate::duplicates::{Group, count_plain, find_duplicates};
use crate::error::{DataError, Result};
use crate::group_by::note_groups;
use crate::options::PrepareOptions;
use crate::rejected::of_rejected;
use crate::scan::{Scan, ScannedPhoto};
use crate::split::{Fractions, contents, stratified};
use crate::tables::Tables;
use crate::union::{members, united};

/// Which paths the manifest lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paths {
    /// `train/beagle/1.jpg`: where `prepare` will put the files.
    Tree,
    /// The present paths of the files.
    InPlace,
}

/// What the photos are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To train: every class needs training photos.
    Training,
    /// To evaluate a trained network.
    Judging,
}

/// A manifest, and the file of each of its photos.
#[derive(Debug)]
pub(crate) struct Assembled {
    pub manifest: Manifest,
    pub files: Vec<PathBuf>,
}

pub(crate) fn assemble(
    scan: &Scan,
    source: &Path,
    options: &PrepareOptions,
    tables: &Tables,
    paths: Paths,
    purpose: Purpose,
) -> Result<Assembled> {
    options.fractions.check()?;
    let photos = &scan.photos;
    let mut notes = scan.notes.clone();
    let grouped_by = match &tables.grouping {
        Some(grouping) => Some(grouping.name()),
        // The source itself, which is a table.
        None => photos.iter().any(|photo| photo.group.is_some()).then(|| "csv".to_string()),
    };
    let names_of_groups = match &tables.grouping {
        Some(grouping) => grouping.groups(photos, source)?,
        None => photos.iter().map(|photo| photo.group.clone()).collect(),
    };
    if let Some(name) = &grouped_by {
        note_groups(name, &names_of_groups, &mut notes);
    }
    let groups = find_duplicates(photos);
    let named = members_by_name(&names_of_groups);
    let sets = groups.iter().map(|group| &group.members).chain(named.values());
    let together = members(&united(photos.len(), sets.map(Vec::as_slice)));
    let splits = divide(scan, &together, options, grouped_by.is_some(), &mut notes);
    if purpose == Purpose::Training {
        check_classes(scan, &splits, source, &mut notes)?;
    }
    note_labels(photos, &groups, &mut notes);
    note_plain(photos, &mut notes);

    let names = match paths {
        Paths::InPlace => photos.iter().map(|photo| photo.source.clone()).collect(),
        Paths::Tree => tree_paths(photos, &splits),
    };
    let mut duplicates: Vec<DuplicateGroup> = groups
        .iter()
        .map(|group| {
            let mut paths: Vec<String> =
                group.members.iter().map(|&at| names[at].clone()).collect();
            paths[1..].sort();
            let crosses_splits =
                group.members.iter().any(|&at| splits[at] != splits[group.members[0]]);
            DuplicateGroup { kind: group.kind, paths, crosses_splits }
        })
        .collect();
    duplicates.sort_by(|a, b| a.paths.cmp(&b.paths));
    let is_claimed = |group: &&DuplicateGroup| group.kind != DuplicateKind::Alike;
    let crossing =
        duplicates.iter().filter(is_claimed).filter(|group| group.crosses_splits).count();
    if crossing > 0 {
        notes.push(format!(
            "The given division puts {crossing} {} of duplicates on different sides; it is kept as \
             it is, and accuracy on those photos flatters.",
            plural(crossing, "group")
        ));
    }
    note_crossing(&named, &splits, &mut notes);

    let mut order: Vec<usize> = (0..photos.len()).collect();
    order.sort_by(|&a, &b| names[a].cmp(&names[b]));
    let records = order
        .iter()
        .map(|&at| PhotoRecord {
            path: names[at].clone(),
            source: photos[at].source.clone(),
            label: photos[at].label.clone(),
            split: splits[at],
            width_px: photos[at].width_px,
            height_px: photos[at].height_px,
            sha256: photos[at].sha256.clone(),
            group: names_of_groups[at].clone(),
        })
        .collect();
    let manifest = Manifest {
        version: 1,
        division: if scan.divided { "given" } else { "stratified" }.into(),
        grouped_by,
        seed: options.seed,
        classes: scan.classes.clone(),
        photos: records,
        rejected: scan.rejected.clone(),
        duplicates,
        notes,
    };
    Ok(Assembled { manifest, files: order.iter().map(|&at| photos[at].file.clone()).collect() })
}

/// Returns the photos of each named group.
fn members_by_name(names: &[Option<String>]) -> BTreeMap<&str, Vec<usize>> {
    let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, name) in names.iter().enumerate() {
        if let Some(name) = name {
            by_name.entry(name).or_default().push(at);
        }
    }
    by_name
}

/// Divides the photos. `groups` holds the photos that stay together.
fn divide(
    scan: &Scan,
    groups: &[Vec<usize>],
    options: &PrepareOptions,
    is_grouped: bool,
    notes: &mut Vec<String>,
) -> Vec<Split> {
    let photos = &scan.photos;
    let PrepareOptions { seed, fractions, .. } = *options;
    let class_of = |at: usize| class_index(&scan.classes, &photos[at].label);
    if !scan.divided {
        let classes: Vec<usize> = (0..photos.len()).map(class_of).collect();
        let contents: Vec<u64> = photos.iter().map(|photo| contents(&photo.sha256)).collect();
        let splits = stratified(
            &classes,
            scan.classes.len(),
            &contents,
            groups,
            |n| fractions.counts(n),
            seed,
        );
        note_counts(scan, &classes, &splits, fractions, is_grouped, notes);
        return splits;
    }
    let mut splits = given_splits(photos, groups, notes);
    let has = |splits: &[Split], split| splits.contains(&split);
    if !has(&splits, Split::Val) && has(&splits, Split::Train) && fractions.val > 0.0 {
        let train: Vec<usize> =
            (0..photos.len()).filter(|&at| splits[at] == Split::Train).collect();
        let place: BTreeMap<usize, usize> =
            train.iter().enumerate().map(|(place, &at)| (at, place)).collect();
        let classes: Vec<usize> = train.iter().map(|&at| class_of(at)).collect();
        let members: Vec<Vec<usize>> = groups
            .iter()
            .map(|group| group.iter().filter_map(|at| place.get(at).copied()).collect())
            .collect();
        let contents: Vec<u64> = train.iter().map(|&at| contents(&photos[at].sha256)).collect();
        let counts = |n| fractions.carved_counts(n);
        let carved = stratified(&classes, scan.classes.len(), &contents, &members, counts, seed);
        for (&at, split) in train.iter().zip(carved) {
            splits[at] = split;
        }
        let count = splits.iter().filter(|&&split| split == Split::Val).count();
        notes.push(format!(
            "The source has no validation part: {count} of its {} training photos are set aside \
             for validation.",
            train.len()
        ));
    }
    if !has(&splits, Split::Test) {
        notes.push("The source has no test part: there will be no test accuracy.".into());
    }
    splits
}

/// Returns the given part of each photo. Added photos have none: they join the part of a photo that
/// they must stay with, the test part before the others, or else training.
fn given_splits(
    photos: &[ScannedPhoto],
    groups: &[Vec<usize>],
    notes: &mut Vec<String>,
) -> Vec<Split> {
    let mut splits = vec![Split::Train; photos.len()];
    let (mut added, mut elsewhere) = (0, 0);
    for group in groups {
        let joined = group.iter().filter_map(|&at| photos[at].given).max();
        let joined = joined.unwrap_or(Split::Train);
        for &at in group {
            splits[at] = photos[at].given.unwrap_or(joined);
            let is_added = photos[at].given.is_none();
            added += usize::from(is_added);
            elsewhere += usize::from(is_added && joined != Split::Train);
        }
    }
    if added > 0 {
        notes.push(format!(
            "The source is divided: its training part gets {} of {added} added photos; {elsewhere} \
             join another part, with the photos that they resemble or share a group with.",
            added - elsewhere
        ));
    }
    splits
}

fn class_index(classes: &[String], label: &str) -> usize {
    classes.iter().position(|class| class == label).unwrap_or_default()
}

fn note_counts(
    scan: &Scan,
    classes: &[usize],
    splits: &[Split],
    fractions: Fractions,
    is_grouped: bool,
    notes: &mut Vec<String>,
) {
    let of_group = if is_grouped { "of one group, " } else { "" };
    for (class, name) in scan.classes.iter().enumerate() {
        let mut found = [0; 3];
        for (_, split) in classes.iter().zip(splits).filter(|(index, _)| **index == class) {
            found[*split as usize] += 1;
        }
        let wanted = fractions.counts(found.iter().sum());
        if found != wanted {
            notes.push(format!(
                "Class `{name}` is divided {}/{}/{} instead of {}/{}/{}, because photos that are \
                 {of_group}the same or look alike stay on one side.",
                found[0], found[1], found[2], wanted[0], wanted[1], wanted[2]
            ));
        }
    }
}

/// Notes the named groups that a given division puts on different sides.
fn note_crossing(named: &BTreeMap<&str, Vec<usize>>, splits: &[Split], notes: &mut Vec<String>) {
    const SHOWN: usize = 5;
    let crosses = |photos: &&Vec<usize>| photos.iter().any(|&at| splits[at] != splits[photos[0]]);
    let crossing: Vec<&str> =
        named.iter().filter(|(_, photos)| crosses(photos)).map(|(name, _)| *name).collect();
    if crossing.is_empty() {
        return;
    }
    let names: Vec<String> = crossing.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = match crossing.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    notes.push(format!(
        "The given division puts {} {} on different sides ({}{more}); it is kept as it is, and \
         accuracy on those photos flatters.",
        crossing.len(),
        plural(crossing.len(), "group"),
        names.join(", "),
    ));
}

/// Rejects a class without training photos, and notes one without validation or test photos.
fn check_classes(
    scan: &Scan,
    splits: &[Split],
    source: &Path,
    notes: &mut Vec<String>,
) -> Result<()> {
    for class in &scan.classes {
        let of = |split: Split| {
            scan.photos
                .iter()
                .zip(splits)
                .filter(|(photo, s)| photo.label == *class && **s == split)
                .count()
        };
        let (train, val, test) = (of(Split::Train), of(Split::Val), of(Split::Test));
        if train == 0 {
            let twin = scan
                .classes
                .iter()
                .find(|other| *other != class && caseless(other) == caseless(class));
            let hint = match twin {
                Some(twin) => Hint::SameClass(twin.clone()),
                None => Hint::MorePhotos { divided: scan.divided },
            };
            let of_class = |path: &str| path.split('/').any(|folder| composed(folder) == *class);
            let left_out: Vec<_> =
                scan.rejected.iter().filter(|photo| of_class(&photo.path)).cloned().collect();
            return Err(DataError::TooFewPhotos {
                path: source.into(),
                class: class.clone(),
                train,
                all: val + test,
                left_out: of_rejected(&left_out).map(Box::new),
                hint: Box::new(hint),
            });
        }
        for (count, part) in [(val, Split::Val), (test, Split::Test)] {
            if count == 0 && splits.contains(&part) {
                notes.push(format!(
                    "Class `{class}` has no photo in {part}: nothing is measured on it there."
                ));
            }
        }
    }
    if !splits.contains(&Split::Val) {
        notes.push("There is no validation photo: no epoch can be chosen on it.".into());
    }
    Ok(())
}

/// Notes the same picture under two class names: one label is wrong. The two photos of the note
/// match each other directly, because one is the first of its group.
fn note_labels(photos: &[ScannedPhoto], groups: &[Group], notes: &mut Vec<String>) {
    for group in groups.iter().filter(|group| group.kind != DuplicateKind::Alike) {
        let first = &photos[group.members[0]];
        if let Some(&other) = group.members.iter().find(|&&at| photos[at].label != first.label) {
            let other = &photos[other];
            let (are, so) = match first.fingerprint.has_pixels_of(&other.fingerprint) {
                true => ("the same picture", "at least one label is wrong"),
                false => ("nearly the same picture", "look at both: probably one label is wrong"),
            };
            notes.push(format!(
                "`{}` and `{}` are {are} under different classes; {so}.",
                first.source, other.source
            ));
        }
    }
}

/// Notes how many photos show too little detail to find copies of them.
fn note_plain(photos: &[ScannedPhoto], notes: &mut Vec<String>) {
    let plain = count_plain(photos);
    if plain > 0 {
        notes.push(format!(
            "{plain} of {} photos show too little detail to tell a copy from another picture that looks \
             alike: of these, only photos of the same pixels are called the same picture.",
            photos.len()
        ));
    }
}

/// Returns `<split>/<class>/<file>` for each photo. Files of the same name in one class folder get
/// `-2`, `-3` in the order of their sources. Names are compared without case, because some file
/// systems do.
fn tree_paths(photos: &[ScannedPhoto], splits: &[Split]) -> Vec<String> {
    let mut taken = HashSet::new();
    let own: HashSet<String> = photos
        .iter()
        .zip(splits)
        .map(|(photo, split)| {
            format!("{split}/{}/{}", photo.label, file_name(&photo.source)).to_lowercase()
        })
        .collect();
    photos
        .iter()
        .zip(splits)
        .map(|(photo, split)| {
            let name = file_name(&photo.source);
            let (stem, extension) = match name.rsplit_once('.') {
                Some((stem, extension)) => (stem, format!(".{extension}")),
                None => (name, String::new()),
            };
            let folder = format!("{split}/{}", photo.label);
            let mut path = format!("{folder}/{name}");
            let mut number = 2;
            while !taken.insert(path.to_lowercase()) {
                // Skip a name that another file has of its own.
                loop {
                    path = format!("{folder}/{stem}-{number}{extension}");
                    number += 1;
                    if !own.contains(&path.to_lowercase()) {
                        break;
                    }
                }
            }
            path
        })
        .collect()
}

fn file_name(source: &str) -> &str {
    source.rsplit('/').next().unwrap_or(source)
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { word.into() } else { format!("{word}s") }
}
