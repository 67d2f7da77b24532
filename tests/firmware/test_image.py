"""The firmware's own hash: every file's name and content counts, whatever order the folders list them in."""

import os
import sys

from image import Image

# Both runtimes may be here at the same time.
ROOT = "build_test_image_" + sys.implementation.name


def write(path, text):
    with open(path, "wb") as file:
        file.write(text)


def make_tree(files):
    for path in files:
        folder = ""
        for part in (ROOT + "/" + path).split("/")[:-1]:
            folder = folder + "/" + part if folder else part
            try:
                os.mkdir(folder)
            except OSError:
                pass
        write(ROOT + "/" + path, files[path])


def remove(folder=ROOT):
    for name in os.listdir(folder):
        path = folder + "/" + name
        try:
            os.remove(path)
        except OSError:
            remove(path)
    os.rmdir(folder)


def hash_of(files):
    make_tree(files)
    try:
        return Image([ROOT]).hash()
    finally:
        remove()


FILES = {"logger/a.py": b"1", "logger/b.mpy": b"2", "boards/models/c.py": b"3", "logger/note.txt": b"4"}


def changed(path, text):
    files = dict(FILES)
    files[path] = text
    return files


def test_name_and_content_count():
    whole = hash_of(FILES)
    assert len(whole) == 32
    assert hash_of(FILES) == whole
    assert hash_of(changed("logger/a.py", b"2")) != whole
    assert hash_of(changed("boards/models/c.py", b"")) != whole
    assert hash_of(changed("drivers/a.py", b"")) != whole
    assert hash_of(changed("logger/note.txt", b"5")) == whole
    assert hash_of(changed("main.py", b"")) != whole


def test_a_file_longer_than_a_piece_counts_to_its_end():
    long = bytes(1000)
    assert hash_of({"logger/a.mpy": long + b"1"}) != hash_of({"logger/a.mpy": long + b"2"})


def test_content_can_not_move_from_file_to_file():
    one = hash_of({"logger/a.py": b"logger/b.py\n0\nxyz"})
    assert hash_of({"logger/a.py": b"", "logger/b.py": b"xyz"}) != one


def test_nothing_there_is_a_hash_too():
    assert len(Image(["no/such/folder"]).hash()) == 32
