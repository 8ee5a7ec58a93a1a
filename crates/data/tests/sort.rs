//! Photos sorted into folders, and put back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use kennel_core::{Task, files};
use kennel_data::DataError;
use kennel_data::sort::{Bin, JOURNAL, SortBy, Sorter, Undone, undo};
use serde_json::{Value, json};

const CAT: Bin = Bin::Class(0);
const DOG: Bin = Bin::Class(1);

/// Photos in a folder `photos`, and the folder `sorted` for them.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Place { dir: tempfile::tempdir().unwrap() };
        for (name, bytes) in [("a.jpg", "1"), ("b/a.jpg", "2"), ("b/c.jpg", "3"), ("same.jpg", "1")]
        {
            let file = place.photo(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, bytes).unwrap();
        }
        place
    }

    fn photos(&self) -> PathBuf {
        self.dir.path().join("photos")
    }

    fn photo(&self, name: &str) -> PathBuf {
        self.photos().join(name)
    }

    fn out(&self) -> PathBuf {
        self.dir.path().join("sorted")
    }

    fn sorter(&self, by: SortBy) -> Sorter {
        let classes = ["cat", "../dog"].map(String::from);
        Sorter::begin(&self.out(), &[self.photos()], by, &classes).unwrap()
    }

    /// Sorts photos; returns where each lies, relative to `sorted`.
    fn sort(&self, by: SortBy, photos: &[(&str, Bin)]) -> Vec<Result<String, String>> {
        let paths: Vec<(String, Bin)> = photos
            .iter()
            .map(|(name, bin)| (self.photo(name).to_string_lossy().into_owned(), *bin))
            .collect();
        let asked: Vec<(&str, Bin)> =
            paths.iter().map(|(path, bin)| (path.as_str(), *bin)).collect();
        let short =
            |path: PathBuf| files::with_slashes(path.strip_prefix(self.out()).unwrap_or(&path));
        let placed = self.sorter(by).place(&asked).unwrap().into_iter();
        placed.map(|placed| placed.map(short).map_err(|error| error.to_string())).collect()
    }

    fn undo(&self) -> Undone {
        undo(&self.out(), Task::unwatched()).unwrap()
    }

    /// Every file and empty folder below the folder, with its bytes.
    fn all(&self) -> BTreeMap<String, Vec<u8>> {
        fn collect(folder: &Path, root: &Path, all: &mut BTreeMap<String, Vec<u8>>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = files::with_slashes(path.strip_prefix(root).unwrap());
                if path.is_dir() {
                    all.insert(format!("{name}/"), Vec::new());
                    collect(&path, root, all);
                } else {
                    all.insert(name, fs::read(&path).unwrap());
                }
            }
        }
        let mut all = BTreeMap::new();
        collect(self.dir.path(), self.dir.path(), &mut all);
        all
    }
}

const FOUR: [(&str, Bin); 4] =
    [("a.jpg", CAT), ("b/a.jpg", CAT), ("b/c.jpg", DOG), ("same.jpg", Bin::Unsure)];

#[test]
fn photos_go_to_the_folder_of_their_label_and_all_of_them_back() {
    for by in [SortBy::Copy, SortBy::Link, SortBy::Move] {
        let place = Place::new();
        let before = place.all();
        let placed: Vec<String> = place.sort(by, &FOUR).into_iter().map(Result::unwrap).collect();
        assert_eq!(placed, ["cat/a.jpg", "cat/a-2.jpg", "_.._dog/c.jpg", "unsure/same.jpg"]);
        let sorted = place.all();
        assert_eq!(sorted["sorted/cat/a.jpg"], b"1");
        assert_eq!(sorted["sorted/cat/a-2.jpg"], b"2");
        assert_eq!(sorted.contains_key("photos/a.jpg"), by != SortBy::Move);
        assert_eq!(fs::read_to_string(place.out().join(JOURNAL)).unwrap().lines().count(), 8);

        // The same again makes nothing.
        if by != SortBy::Move {
            let again: Vec<String> =
                place.sort(by, &FOUR).into_iter().map(Result::unwrap).collect();
            assert_eq!((again, place.all()), (placed, sorted));
        }
        let undone = place.undo();
        let moved = if by == SortBy::Move { 4 } else { 0 };
        assert_eq!((undone.moved, undone.removed), (moved, 4 - moved));
        assert_eq!(place.all(), before, "{by:?}");
        assert!(matches!(
            undo(&place.out(), Task::unwatched()),
            Err(DataError::NothingSorted { .. })
        ));
    }
}

#[test]
fn nothing_that_is_there_is_replaced_and_nothing_of_the_users_is_removed() {
    let place = Place::new();
    let cat = place.out().join("cat");
    fs::create_dir_all(&cat).unwrap();
    fs::write(cat.join("a.jpg"), "mine").unwrap();
    fs::write(cat.join("a-2.jpg"), "mine too").unwrap();
    let before = place.all();
    let placed = place.sort(SortBy::Move, &FOUR[..2]);
    assert_eq!(placed, [Ok("cat/a-3.jpg".into()), Ok("cat/a-4.jpg".into())]);
    place.undo();
    assert_eq!(place.all(), before);
}

#[test]
fn photos_with_the_same_bytes_are_both_moved_and_both_come_back() {
    let place = Place::new();
    fs::create_dir(place.photo("d")).unwrap();
    fs::write(place.photo("d/a.jpg"), "1").unwrap();
    let before = place.all();
    let placed = place.sort(SortBy::Move, &[("a.jpg", CAT), ("d/a.jpg", CAT), ("a.jpg", CAT)]);
    let names = ["cat/a.jpg", "cat/a-2.jpg", "cat/a.jpg"];
    assert_eq!(placed, names.map(|name| Ok(name.to_string())));
    place.undo();
    assert_eq!(place.all(), before);
}

#[test]
fn copies_become_moves_and_moves_of_moves_are_undone_in_turn() {
    let place = Place::new();
    let before = place.all();
    place.sort(SortBy::Copy, &FOUR);
    let moved: Vec<String> =
        place.sort(SortBy::Move, &FOUR).into_iter().map(Result::unwrap).collect();
    assert_eq!(moved[..2], ["cat/a.jpg", "cat/a-2.jpg"]);
    assert!(!place.photo("a.jpg").exists());
    // A better model sorts those that were unsure.
    let unsure = place.out().join("unsure/same.jpg").to_string_lossy().into_owned();
    let again = &[place.out().join("unsure")];
    let classes = ["cat", "../dog"].map(String::from);
    let mut sorter = Sorter::begin(&place.out(), again, SortBy::Move, &classes).unwrap();
    sorter.place(&[(&unsure, DOG)]).unwrap()[0].as_ref().unwrap();
    drop(sorter);
    assert!(place.out().join("_.._dog/same.jpg").exists());
    place.undo();
    assert_eq!(place.all(), before);
}

#[test]
fn what_cannot_be_put_back_safely_stays_and_can_be_undone_later() {
    let place = Place::new();
    place.sort(SortBy::Copy, &FOUR[..1]);
    place.sort(SortBy::Move, &FOUR[1..]);
    fs::remove_file(place.photo("a.jpg")).unwrap();
    fs::write(place.out().join("cat/a-2.jpg"), "rotated").unwrap();
    fs::write(place.photo("b/c.jpg"), "another").unwrap();
    let undone = place.undo();
    let mut why: Vec<String> = undone.kept.iter().map(ToString::to_string).collect();
    why.sort();
    for (why, end) in why.iter().zip([
        "c.jpg stays where it is: another file has its old name",
        "a-2.jpg stays where it is: it has changed since it was sorted",
        "a.jpg stays where it is: the photo that it was made of is gone or has changed",
    ]) {
        assert!(why.ends_with(end), "{why}");
    }
    assert_eq!((undone.moved, undone.removed, why.len()), (1, 0, 3));
    assert_eq!(fs::read(place.out().join("cat/a.jpg")).unwrap(), b"1", "the last one");

    fs::remove_file(place.photo("b/c.jpg")).unwrap();
    fs::write(place.out().join("cat/a-2.jpg"), "2").unwrap();
    fs::write(place.photo("a.jpg"), "1").unwrap();
    place.undo();
    assert_eq!(place.all(), Place::new().all());
}

#[test]
fn a_photo_that_was_taken_elsewhere_is_not_forgotten() {
    let place = Place::new();
    let before = place.all();
    place.sort(SortBy::Move, &FOUR);
    let (sorted, away) = (place.out().join("cat/a.jpg"), place.dir.path().join("away.jpg"));
    fs::rename(&sorted, &away).unwrap();
    let undone = place.undo();
    assert_eq!((undone.moved, undone.gone), (3, vec![sorted.clone()]));
    assert_eq!(place.undo().gone, std::slice::from_ref(&sorted));
    fs::create_dir_all(sorted.parent().unwrap()).unwrap();
    fs::rename(&away, &sorted).unwrap();
    assert_eq!(place.undo().moved, 1);
    fs::remove_dir(sorted.parent().unwrap()).unwrap();
    fs::remove_dir(place.out()).unwrap();
    assert_eq!(place.all(), before);
}

#[test]
fn every_instant_of_a_move_can_be_undone_and_gone_on_with() {
    let line = |place: &Place| {
        let photo = place.photo("a.jpg").to_string_lossy().into_owned();
        let sha256 = files::sha256_bytes(b"1");
        json!({ "photo": photo, "to": "cat/a.jpg", "by": "move", "sha256": sha256 })
    };
    let write = |place: &Place, lines: &[Value], half: &str| {
        let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(place.out().join(JOURNAL), lines + half).unwrap();
    };
    // Killed after the folder, in its line, after its line; then the photo's.
    let made = |place: &Place, instant: usize| {
        let folders = [json!({ "folder": "" }), json!({ "folder": "cat" })];
        let (photo, sorted) = (place.photo("a.jpg"), place.out().join("cat/a.jpg"));
        fs::create_dir(place.out()).unwrap();
        write(place, &folders[..1], if instant == 0 { r#"{"folder":"c"# } else { "" });
        if instant == 0 {
            return;
        }
        write(place, &folders, if instant == 2 { r#"{"photo":"/ph"# } else { "" });
        if instant == 1 {
            return;
        }
        fs::create_dir(place.out().join("cat")).unwrap();
        if instant == 2 {
            return;
        }
        write(place, &[&folders[..], &[line(place)]].concat(), "");
        match instant {
            3 => {}
            // To another file system: half a copy, a copy, and both names.
            4 => fs::write(place.out().join("cat/.writing-dead"), "half").unwrap(),
            5 => drop(fs::copy(photo, sorted).unwrap()),
            6 => fs::hard_link(photo, sorted).unwrap(),
            _ => fs::rename(photo, sorted).unwrap(),
        }
    };
    for instant in 0..8 {
        let place = Place::new();
        let before = place.all();
        made(&place, instant);
        place.undo();
        assert_eq!(place.all(), before, "instant {instant}");

        made(&place, instant);
        if instant < 7 {
            assert_eq!(place.sort(SortBy::Move, &FOUR[..1]), [Ok("cat/a.jpg".into())]);
            let all = place.all();
            assert!(!all.contains_key("photos/a.jpg") && all["sorted/cat/a.jpg"] == b"1");
            assert_eq!(all.keys().filter(|name| name.starts_with("sorted/cat/")).count(), 2);
        }
        place.undo();
        assert_eq!(place.all(), before, "instant {instant}, sorted again");
    }
}

#[test]
fn a_folder_is_not_sorted_into_itself_nor_by_two_at_once() {
    let place = Place::new();
    let begin =
        |out: PathBuf, asked: PathBuf| Sorter::begin(&out, &[asked], SortBy::Copy, &[]).err();
    for inside in ["", "b", "new/deep", "b/../new"] {
        let refused = begin(place.photo(inside), place.photos());
        assert!(matches!(refused, Some(DataError::SortedAmongPhotos { .. })), "{inside}");
    }
    assert!(!place.photo("new").exists());
    assert!(begin(place.out(), place.photos()).is_none());
    let first = place.sorter(SortBy::Copy);
    let second = begin(place.out(), place.photos());
    assert!(matches!(second, Some(DataError::BeingSorted { .. })));
    let undone = undo(&place.out(), Task::unwatched());
    assert!(matches!(undone, Err(DataError::BeingSorted { .. })));
    drop(first);
    place.undo();
}

#[test]
fn a_stopped_undo_does_the_rest_later() {
    let place = Place::new();
    let before = place.all();
    place.sort(SortBy::Move, &FOUR);
    let stop = AtomicBool::new(true);
    let stopped = undo(&place.out(), Task::new(&stop, &|_| {}));
    assert!(matches!(stopped, Err(DataError::Stopped(_))));
    place.undo();
    assert_eq!(place.all(), before);
}

#[test]
fn a_journal_that_leads_out_of_its_folder_is_refused() {
    let place = Place::new();
    fs::create_dir(place.out()).unwrap();
    let sha256 = files::sha256_bytes(b"1");
    for to in ["../photos/a.jpg", "/etc/passwd", ""] {
        let line = json!({ "photo": "/nowhere", "to": to, "by": "move", "sha256": sha256 });
        fs::write(place.out().join(JOURNAL), format!("{line}\n")).unwrap();
        undo(&place.out(), Task::unwatched()).unwrap_err();
    }
    assert!(place.photo("a.jpg").exists());
}

#[cfg(unix)]
#[test]
fn links_are_not_moved_and_names_that_are_no_text_stay() {
    let place = Place::new();
    std::os::unix::fs::symlink("a.jpg", place.photo("link.jpg")).unwrap();
    let moved = place.sort(SortBy::Move, &[("link.jpg", CAT)]);
    assert!(moved[0].as_ref().unwrap_err().contains("symbolic link"), "{moved:?}");
    let copied = place.sort(SortBy::Link, &[("link.jpg", CAT)]);
    assert_eq!(copied, [Ok("cat/link.jpg".into())]);
    assert!(!place.out().join("cat/link.jpg").is_symlink());
    let odd = place.sort(SortBy::Copy, &[("od\u{fffd}.jpg", CAT), ("gone.jpg", CAT)]);
    assert!(odd[0].as_ref().unwrap_err().contains("not UTF-8"), "{odd:?}");
    assert!(odd[1].as_ref().unwrap_err().contains("gone.jpg"), "{odd:?}");
}
