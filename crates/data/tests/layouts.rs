//! Layouts of photo folders in the world, and how each is read. The guide's table
//! (docs/guide/data.md) says the same.

use std::collections::BTreeMap;
use std::path::Path;

use kennel_core::{Hinted, Task};
use kennel_data::{DataError, Scan, ScanOptions, scan};

/// The bytes of a small photo.
fn photo() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(8, 8).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// `{a,b}/c` is two paths.
fn spread(pattern: &str) -> Vec<String> {
    match pattern.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?))) {
        None => vec![pattern.into()],
        Some((before, (names, after))) => {
            names.split(',').flat_map(|name| spread(&format!("{before}{name}{after}"))).collect()
        }
    }
}

/// Writes files: `*3` at the end is three photos, a name with a photo's ending one, any other a
/// text.
fn folder(patterns: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let photo = photo();
    for path in patterns.iter().flat_map(|pattern| spread(pattern)) {
        let files: Vec<String> = match path.split_once('*') {
            Some((above, count)) => {
                (0..count.parse().unwrap()).map(|i| format!("{above}{i}.jpg")).collect()
            }
            None => vec![path],
        };
        for file in files {
            let file = dir.path().join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            let is_photo = file
                .extension()
                .is_some_and(|ending| ["jpg", "JPEG", "png"].iter().any(|e| ending == *e));
            std::fs::write(file, if is_photo { &photo[..] } else { b"text" }).unwrap();
        }
    }
    dir
}

fn scanned(source: &Path, classes_are: Option<&str>) -> Result<Scan, DataError> {
    let classes_are = classes_are.map(Path::new);
    let options = ScanOptions { min_side_px: 1, classes_are, ..ScanOptions::default() };
    scan(source, &options, source, Task::unwatched())
}

/// Returns `cats 2, dogs 1` or `train cats 2; test cats 1`, with how many files are left out; or
/// the error without the source's path.
fn read_as(source: &Path, classes_are: Option<&str>) -> String {
    let scan = match scanned(source, classes_are) {
        Ok(scan) => scan,
        Err(error) => {
            let hints: String =
                error.hints().iter().map(|hint| format!("\nhint: {hint:?}")).collect();
            return format!("{error}{hints}").replace(&source.display().to_string(), "SOURCE");
        }
    };
    let mut counts: BTreeMap<_, BTreeMap<&str, usize>> = BTreeMap::new();
    for photo in &scan.photos {
        *counts.entry(photo.given).or_default().entry(&photo.label).or_default() += 1;
    }
    let parts: Vec<String> = counts
        .iter()
        .map(|(part, counts)| {
            let counts: Vec<String> =
                counts.iter().map(|(class, count)| format!("{class} {count}")).collect();
            format!(
                "{}{}",
                part.map(|part| format!("{part} ")).unwrap_or_default(),
                counts.join(", ")
            )
        })
        .collect();
    let left_out = match scan.rejected.len() {
        0 => String::new(),
        count => format!(" ({count} left out)"),
    };
    format!("{}{left_out}", parts.join("; "))
}

/// Name, files, and how they are read.
type Row = (&'static str, &'static [&'static str], &'static str);

const READ: [Row; 35] = [
    ("folders of classes", &["{cats,dogs}/*2", "readme.md"], "cats 2, dogs 2 (1 left out)"),
    ("folders in them", &["cats/{red,blue}/*1", "dogs/big/*1"], "cats 2, dogs 1"),
    ("other letters", &["{кошка,собака,ゴールデン 🐕}/*1"], "кошка 1, собака 1, ゴールデン 🐕 1"),
    ("a lone folder", &["a folder/{cats,dogs}/*1"], "cats 1, dogs 1"),
    (
        "Keras, flower_photos",
        &["flower_photos/{daisy,roses}/*2", "flower_photos/LICENSE.txt"],
        "daisy 2, roses 2 (1 left out)",
    ),
    (
        "wrappers in wrappers",
        &["archive/data/photos/{cats,dogs}/*1", "archive/readme.txt"],
        "cats 1, dogs 1 (1 left out)",
    ),
    (
        "parts",
        &["{train,val,test}/{cats,dogs}/*1"],
        "train cats 1, dogs 1; val cats 1, dogs 1; test cats 1, dogs 1",
    ),
    (
        "training and validation",
        &["{training,Validation}/{cats,dogs}/*1"],
        "train cats 1, dogs 1; val cats 1, dogs 1",
    ),
    ("validation alone", &["validation/{cats,dogs}/*1"], "val cats 1, dogs 1"),
    ("test alone", &["test/{beagle,boxer}/*2"], "test beagle 2, boxer 2"),
    (
        "Kaggle, cats and dogs",
        &["training_set/training_set/{cats,dogs}/*2", "test_set/test_set/{cats,dogs}/*1"],
        "train cats 2, dogs 2; test cats 1, dogs 1",
    ),
    (
        "Kaggle, Intel",
        &["seg_{train/seg_train,test/seg_test}/{forest,sea}/*1", "seg_pred/seg_pred/*3"],
        "train forest 1, sea 1; test forest 1, sea 1 (3 left out)",
    ),
    (
        "Kaggle, chest x-rays: the folder holds itself once more, and what macOS has packed",
        &[
            "chest_xray/{train,val,test}/{NORMAL,PNEUMONIA}/*1",
            "chest_xray/chest_xray/{train,val,test}/{NORMAL,PNEUMONIA}/*1",
            "chest_xray/__MACOSX/chest_xray/._train",
        ],
        "train NORMAL 1, PNEUMONIA 1; val NORMAL 1, PNEUMONIA 1; test NORMAL 1, PNEUMONIA 1 (7 \
         left out)",
    ),
    (
        "Kaggle, photos to submit",
        &["train/{Charlock,Maize}/*2", "test/*3", "sample_submission.csv"],
        "train Charlock 2, Maize 2 (4 left out)",
    ),
    (
        "Kaggle, PlantVillage: packed twice",
        &[
            "PlantVillage/{Pepper,Potato,Tomato}/*1",
            "PlantVillage/PlantVillage/{Pepper,Potato,Tomato}/*1",
        ],
        "Pepper 1, Potato 1, Tomato 1 (3 left out)",
    ),
    (
        "Roboflow",
        &["{train,valid,test}/{a,b}/*1", "README.{dataset,roboflow}.txt"],
        "train a 1, b 1; val a 1, b 1; test a 1, b 1 (2 left out)",
    ),
    (
        "Ultralytics",
        &["dataset/{train,val,test}/{a,b}/*1"],
        "train a 1, b 1; val a 1, b 1; test a 1, b 1",
    ),
    (
        "fastai, imagenette",
        &["imagenette2/{train,val}/n0{1440764,2102040}/*1", "imagenette2/noisy.csv"],
        "train n01440764 1, n02102040 1; val n01440764 1, n02102040 1 (1 left out)",
    ),
    (
        "Hugging Face, imagefolder",
        &["data/{train,test}/{cat,dog}/*1", "README.md"],
        "train cat 1, dog 1; test cat 1, dog 1 (1 left out)",
    ),
    (
        "ImageNet as it is published",
        &[
            "ILSVRC/Data/CLS-LOC/train/n0{1440764,2102040}/*1",
            "ILSVRC/Data/CLS-LOC/{val,test}/*2",
            "ILSVRC/{Annotations,ImageSets}/CLS-LOC/1.xml",
        ],
        "train n01440764 1, n02102040 1 (5 left out)",
    ),
    (
        "ImageNet unpacked",
        &["ILSVRC2012_img_{train,val}/n0{1440764,2102040}/*1"],
        "train n01440764 1, n02102040 1; val n01440764 1, n02102040 1",
    ),
    (
        "torchvision's tutorial",
        &["hymenoptera_data/{train,val}/{ants,bees}/*1"],
        "train ants 1, bees 1; val ants 1, bees 1",
    ),
    (
        "TFDS, manual",
        &["manual/{train,validation,test}/{a,b}/*1"],
        "train a 1, b 1; val a 1, b 1; test a 1, b 1",
    ),
    (
        "CUB",
        &[
            "CUB_200_2011/images/00{1.Albatross,2.Auklet}/*1",
            "CUB_200_2011/{parts,attributes}/1.txt",
            "CUB_200_2011/images.txt",
        ],
        "001.Albatross 1, 002.Auklet 1 (3 left out)",
    ),
    (
        "Stanford Dogs",
        &["Annotation/n02088364-beagle/n02088364_1", "Images/n0{2088364-beagle,2108089-boxer}/*1"],
        "beagle 1, boxer 1",
    ),
    (
        "images in the parts",
        &["{train,test}/images/{a,b}/*1", "{train,test}/labels/1.txt"],
        "train a 1, b 1; test a 1, b 1 (2 left out)",
    ),
    ("a class of each camera", &["{cats,dogs}/DCIM/{100CANON,101CANON}/*1"], "cats 2, dogs 2"),
    ("years in the classes", &["{cats,dogs}/{2023,2024}/*1"], "cats 2, dogs 2"),
    (
        "NAS",
        &["{beagle,boxer}/*1", "@eaDir/x.jpg/*2", "boxer/@eaDir/y.jpg/*1", "#recycle/*1"],
        "beagle 1, boxer 1 (3 left out)",
    ),
    (
        "macOS, zip",
        &[
            "photos/{cats,dogs}/*1",
            "__MACOSX/photos/cats/._0.jpg",
            "photos/.DS_Store",
            "photos/cats/._0.jpg",
        ],
        "cats 1, dogs 1 (3 left out)",
    ),
    (
        "Windows",
        &[
            "{cats,dogs}/*1",
            "cats/Thumbs.db",
            "desktop.ini",
            "System Volume Information/*1",
            "$RECYCLE.BIN/S-1-5/*1",
        ],
        "cats 1, dogs 1 (4 left out)",
    ),
    (
        "Linux",
        &["{cats,dogs}/*1", "lost+found/*1", ".Trash-1000/files/*1"],
        "cats 1, dogs 1 (2 left out)",
    ),
    (
        "classes called like parts, in parts",
        &["{train,val}/{bus,train}/*1"],
        "train bus 1, train 1; val bus 1, train 1",
    ),
    (
        "toys",
        &["{toy train,toy car,pregnancy_test}/*1"],
        "pregnancy_test 1, toy car 1, toy train 1",
    ),
    ("classes of folders", &["animals/{cats,dogs}/*1", "plants/roses/*1"], "animals 2, plants 1"),
];

const REFUSED: [Row; 17] = [
    (
        "photos in the parts",
        &["{train,test}/*8"],
        "train in SOURCE holds photos and no folder of a class",
    ),
    (
        "Kaggle, dogs vs cats",
        &["train/{cat,dog}.0.jpg", "test1/1.jpg", "sampleSubmission.csv"],
        "train in SOURCE holds photos and no folder",
    ),
    (
        "Hugging Face, metadata",
        &["train/*2", "train/metadata.csv"],
        "train in SOURCE holds photos and no folder",
    ),
    (
        "Roboflow, boxes",
        &["{train,valid}/images/*1", "{train,valid}/labels/0.txt"],
        "train/images in SOURCE holds photos and no folder",
    ),
    (
        "Ultralytics, boxes",
        &["images/{train,val}/*1", "labels/{train,val}/0.txt"],
        "images/train in SOURCE holds photos and no folder",
    ),
    (
        "fastai, pets",
        &["pets/images/*3", "pets/annotations/trimaps/1.png"],
        "pets/images in SOURCE holds photos and no folder",
    ),
    (
        "photos and a table",
        &["images/*3", "labels.csv"],
        "images in SOURCE holds photos and no folder",
    ),
    (
        "a camera",
        &["DCIM/{100CANON,101CANON}/*2"],
        "DCIM/100CANON in SOURCE holds photos and no folder",
    ),
    (
        "a class called train",
        &["{bus,car,train}/*2"],
        "hint: FolderPerClass { source: \"SOURCE\", folder: \"train\", classes_are: \".\" }",
    ),
    ("a class called Test", &["{control,Test}/*2"], "Test in SOURCE holds photos and no folder"),
    (
        "a class called train, of folders",
        &["bus/city/*1", "car/red/*1", "train/{steam,tram}/*1"],
        "two ways\n  classes bus, car, train in .\n  classes steam, tram in train\nhint:",
    ),
    (
        "valid and invalid",
        &["{valid,invalid}/{a,b}/*1"],
        "classes invalid, valid in .\n  classes a, b in valid",
    ),
    (
        "a part beside a folder",
        &["train/{cats,dogs}/*1", "extra/*1"],
        "classes cats, dogs in train",
    ),
    (
        "the same in each",
        &["plantvillage dataset/{color,grayscale}/{Apple,Corn}/*1"],
        "classes Apple, Corn in plantvillage dataset/color",
    ),
    ("parts in each class", &["{cats,dogs}/{train,test}/*1"], "classes cats, dogs in ."),
    (
        "parts in words that are not known",
        &["{обучение,проверка}/{кошка,собака}/*1"],
        "classes кошка, собака in обучение",
    ),
    ("one class", &["cats/*3"], "SOURCE has one class, `cats`"),
];

#[test]
fn every_layout_of_the_guide_is_read_as_it_says() {
    let mut wrong = Vec::new();
    for (name, files, expected) in READ {
        let found = read_as(folder(files).path(), None);
        if found != expected {
            wrong.push(format!("{name}\n  expected {expected}\n  found    {found}"));
        }
    }
    for (name, files, expected) in REFUSED {
        let found = read_as(folder(files).path(), None);
        if !found.contains(expected) || !found.contains("\nhint: ") {
            wrong.push(format!("{name}\n  expected {expected}\n  found    {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn who_says_where_the_classes_are_is_believed() {
    let trains = folder(&["bus/city/*1", "car/red/*1", "train/{steam,tram}/*1"]);
    assert_eq!(read_as(trains.path(), Some(".")), "bus 1, car 1, train 2");
    assert_eq!(read_as(trains.path(), Some("train")), "steam 1, tram 1");
    let deep = folder(&["x/{color,grey}/{Apple,Corn}/*1"]);
    assert_eq!(read_as(deep.path(), Some("x/color/")), "Apple 1, Corn 1");
    assert_eq!(read_as(deep.path(), Some("./x")), "color 2, grey 2");
    for nowhere in ["y", "x/color/Apple/0.jpg", "..", "/tmp"] {
        let said = read_as(deep.path(), Some(nowhere));
        assert!(
            said.contains(&format!("there is no folder {nowhere} in SOURCE\nhint: ")),
            "{said}"
        );
    }
}

#[cfg(unix)]
#[test]
fn class_folders_may_be_links_and_their_names_hold_no_control_character() {
    let dir = folder(&["{cats,dogs}/*1"]);
    let elsewhere = folder(&["*2"]);
    std::os::unix::fs::symlink(elsewhere.path(), dir.path().join("wolves")).unwrap();
    std::os::unix::fs::symlink(".", dir.path().join("all")).unwrap();
    assert_eq!(read_as(dir.path(), None), "cats 1, dogs 1, wolves 2 (1 left out)");
    for name in ["a\nb", "a\u{1b}[31m", "a\u{2028}b"] {
        let dir = folder(&["{cats,dogs}/*1"]);
        std::fs::create_dir(dir.path().join(name)).unwrap();
        std::fs::write(dir.path().join(name).join("1.jpg"), photo()).unwrap();
        let said = read_as(dir.path(), None);
        assert!(said.contains("control character in its name\nhint: "), "{said}");
        assert!(said.lines().count() == 2 && !said.contains('\u{1b}'), "{said}");
    }
}

#[test]
fn files_of_other_formats_are_counted_and_named_and_photos_by_their_names_are_read() {
    let dir = folder(&["{cats,dogs}/*1"]);
    let at = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
    at("cats/1.AVIF", b"\0\0\0\x18ftypavif\0\0\0\0");
    at("cats/2.avif", b"\0\0\0\x18ftypavif\0\0\0\0");
    at("dogs/3.NEF", b"MM\0*\0\0\0\x08 and a small preview");
    at("dogs/4.mp4", b"\0\0\0\x18ftypisom\0\0\0\0");
    at("dogs/5.heic", &photo());
    at("dogs/6.txt", b"hello");
    let scan = scanned(dir.path(), None).unwrap();
    assert_eq!((scan.photos.len(), scan.rejected.len()), (3, 5));
    let note = "Files of formats that are not read: 2 AVIF, 1 raw (NEF), 1 video (MP4). Convert";
    assert!(scan.notes.iter().any(|found| found.starts_with(note)), "{:?}", scan.notes);
    let reason = |path| &scan.rejected.iter().find(|row| row.path == path).unwrap().reason;
    assert!(reason("dogs/3.NEF").contains("raw (NEF)"), "{}", reason("dogs/3.NEF"));
    assert!(reason("cats/1.AVIF").contains("AVIF"), "{}", reason("cats/1.AVIF"));
}

#[test]
fn a_tar_without_its_end_marker_is_noted() {
    let dir = folder(&["photos/{cats,dogs}/*2", "__MACOSX/photos/._cats"]);
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_dir_all(".", dir.path()).unwrap();
    let whole = tar.into_inner().unwrap();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("photos.tar");
    let notes = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        let options = ScanOptions { min_side_px: 1, ..ScanOptions::default() };
        let scan = scan(&file, &options, home.path(), Task::unwatched()).unwrap();
        (scan.photos.len(), scan.notes.join("\n"))
    };
    let (photos, said) = notes(&whole);
    assert!(photos == 4 && !said.contains("end marker"), "{said}");
    // The end marker is two blocks of zeros.
    let (photos, said) = notes(&whole[..whole.len() - 1024]);
    assert!(photos == 4 && said.contains("ends without an end marker"), "{said}");
}
