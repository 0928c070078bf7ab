import gzip

from loaders import csv_records
from loaders.sources import LINE, TORN

TEXT = b'\xef\xbb\xbfname,note\r\n"An, or ""Annie""","two\nlines"\r\n\r\nBo,\r\nCy\r\nDi,x'


def test_cells_lines_and_torn_records_are_told_apart(tmp_path):
    (tmp_path / "t.csv").write_bytes(TEXT)

    [frame] = [frame for frame in csv_records.frames(tmp_path / "t.csv") if len(frame)][:1]
    rows = [row for frame in csv_records.frames(tmp_path / "t.csv") for row in frame.iter_rows(named=True)]

    assert frame.columns == ["name", "note", LINE, TORN]
    assert rows == [
        {"name": 'An, or "Annie"', "note": "two\nlines", LINE: 2, TORN: False},
        {"name": "Bo", "note": None, LINE: 5, TORN: False},
        {"name": "Cy", "note": None, LINE: 6, TORN: True},
        {"name": "Di", "note": "x", LINE: 7, TORN: False},
    ]


def test_lines_stay_true_over_many_blocks_and_in_gzip(tmp_path):
    count = 3 * csv_records.BLOCK_BYTES // 20
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"n,m\n" + b"".join(b'%09d,"x\ny"\n' % n for n in range(count))))

    seen = 0
    for frame in csv_records.frames(tmp_path / "t.csv.gz"):
        numbers = frame["n"].cast(int)
        assert (frame[LINE] == 2 + 2 * numbers).all()
        assert not frame[TORN].any()
        seen += len(frame)
    assert seen == count
