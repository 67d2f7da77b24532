"""Rules of accessible HTML that need no browser: structure, names, languages, and contrast of the colours used.

They are those of WCAG 2.2 and HTML that a program can check on a static page (1.1.1, 1.3.1, 1.4.3, 2.4.1, 2.4.2,
2.4.6, 3.1.1, 4.1.2); what only a person sees is looked at.
"""

import re
from html.parser import HTMLParser

_VOID = {"meta", "br", "hr", "img", "link", "input", "line", "rect", "circle", "polyline", "polygon"}
_FETCHES = {"src", "srcset", "href", "data", "poster", "action", "xlink:href"}


class Node:
    """An element with its attributes, children and text."""

    def __init__(self, tag, attributes, parent):
        self.tag, self.attributes, self.parent = tag, dict(attributes), parent
        self.children, self.texts = [], []

    def walk(self):
        yield self
        for child in self.children:
            yield from child.walk()

    def all(self, *tags):
        return [node for node in self.walk() if node.tag in tags]

    def text(self):
        return " ".join("".join(self._pieces()).split())

    def _pieces(self):
        for one in self.texts:
            yield one if isinstance(one, str) else "".join(one._pieces())


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.root = Node("document", (), None)
        self._at, self.problems = self.root, []

    def handle_starttag(self, tag, attributes):
        names = [name for name, _ in attributes]
        if len(names) != len(set(names)):
            self.problems.append(f"<{tag}> has an attribute twice")
        node = Node(tag, attributes, self._at)
        self._at.children.append(node)
        self._at.texts.append(node)
        if tag not in _VOID or tag in ("line", "rect", "circle", "polyline", "polygon"):
            self._at = node

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self._at = self._at.parent if self._at.tag == tag else self._at

    def handle_endtag(self, tag):
        if tag != self._at.tag:
            self.problems.append(f"</{tag}> closes <{self._at.tag}>")
        else:
            self._at = self._at.parent

    def handle_data(self, data):
        self._at.texts.append(data)


def read(page):
    """The tree of a page, and what is badly nested."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    if reader._at is not reader.root:
        reader.problems.append(f"<{reader._at.tag}> is never closed")
    return reader.root, reader.problems


def problems_of(page):
    """Everything that is wrong, one sentence each."""
    root, problems = read(page)
    found = list(problems)
    for check in (_document, _headings, _ids, _tables, _pictures, _regions, _nothing_fetched):
        found += check(root)
    return [*found, *_contrast(page)]


def _document(root):
    (html,) = root.all("html")
    if not re.fullmatch(r"[a-z]{2}", html.attributes.get("lang", "")):
        yield "the page does not say its language"
    if not page_title(root):
        yield "the page has no title"
    viewports = [
        node.attributes.get("content", "") for node in root.all("meta") if node.attributes.get("name") == "viewport"
    ]
    if not viewports or "user-scalable=no" in viewports[0] or "maximum-scale" in viewports[0]:
        yield "the page can't be zoomed"
    if len(root.all("main")) != 1:
        yield "there must be one <main>"


def page_title(root):
    return root.all("head")[0].all("title")[0].text()


def _headings(root):
    levels = [int(node.tag[1]) for node in root.all("h1", "h2", "h3", "h4", "h5", "h6")]
    if levels.count(1) != 1 or levels[0] != 1:
        yield f"there must be one h1, before all others: {levels}"
    for one, two in zip(levels, levels[1:], strict=False):
        if two > one + 1:
            yield f"h{two} follows h{one}"
    for node in root.all("h1", "h2", "h3"):
        if not node.text():
            yield "a heading is empty"


def _ids(root):
    ids = [node.attributes["id"] for node in root.walk() if "id" in node.attributes]
    for one in sorted({one for one in ids if ids.count(one) > 1}):
        yield f"id {one} is there twice"
    for node in root.walk():
        wanted = node.attributes.get("aria-labelledby", "").split()
        href = node.attributes.get("href", "")
        wanted += [href[1:]] if href.startswith("#") else []
        yield from (f"<{node.tag}> names {one}, which is not there" for one in wanted if one not in ids)


def _tables(root):
    for table in root.all("table"):
        captions = table.all("caption")
        if len(captions) != 1 or not captions[0].text():
            yield "a table has no caption"
        heads = table.all("thead")[0].all("th")
        if any(head.attributes.get("scope") != "col" or not head.text() for head in heads):
            yield f"a column of {captions[0].text()!r} has no header with a scope"
        for row in table.all("tbody")[0].all("tr"):
            cells = [cell for cell in row.children if cell.tag in ("th", "td")]
            if len(cells) != len(heads) or cells[0].attributes.get("scope") != "row":
                yield f"a row of {captions[0].text()!r} has no header, or {len(cells)} of {len(heads)} cells"


def _pictures(root):
    for node in root.all("img"):
        if not node.attributes.get("alt"):
            yield "an image has no text"
    for node in root.all("svg"):
        inside = {child.tag: child.text() for child in node.children}
        if node.attributes.get("role") != "img" or not inside.get("title") or not inside.get("desc"):
            yield "a picture has no title or description"


def _regions(root):
    for node in root.walk():
        if node.attributes.get("role") == "region" and not node.attributes.get("aria-labelledby"):
            yield "a region has no name"
        if node.tag == "section" and not node.attributes.get("aria-labelledby"):
            yield "a section has no name"
        if node.tag == "a" and not node.text():
            yield "a link has no text"
        if "style" in node.attributes or any(name.startswith("on") for name in node.attributes):
            yield f"<{node.tag}> carries style or script"


def _nothing_fetched(root):
    for node in root.walk():
        if node.tag in ("script", "link", "iframe", "object", "embed", "form", "base", "img", "image", "use"):
            yield f"<{node.tag}> has no place here"
        for name in _FETCHES & node.attributes.keys():
            if not node.attributes[name].startswith("#"):
                yield f"<{node.tag}> would fetch {node.attributes[name]}"


def _contrast(page):
    """Text and what carries meaning against white (or white against a filled sign): 4.5 to 1."""
    style = page[page.index("<style>") : page.index("</style>")]
    for colour in set(re.findall(r"(?<![-\w])color: *(#[0-9a-f]{3,6})", style)) - {"#fff"}:
        if ratio(colour) < 4.5:
            yield f"text in {colour} has a contrast of {ratio(colour):.1f}"
    for colour in set(re.findall(r"background: *(#[0-9a-f]{3,6}); color: #fff", style)):
        if ratio(colour) < 4.5:
            yield f"white on {colour} has a contrast of {ratio(colour):.1f}"
    if "url(http" in page or "@import" in page:
        yield "a style would fetch something"


def ratio(colour):
    """Contrast of a colour with white (WCAG 2.2, relative luminance)."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * one for one in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)
