//! ImageNet-1k's classes: synset and name of each of the 1000 outputs of a pretrained head.
