"""The fingerprint of labels is Prometheus' own (the values of prometheus/common, model/signature_test.go)."""

from keepwell.rooms.alerts.fingerprint import fingerprint


def test_as_prometheus_computes_it() -> None:
    assert int(fingerprint({}), 16) == 14695981039346656037
    assert int(fingerprint({"name": "garland, briggs", "fear": "love is not enough"}), 16) == 5799056148416392346


def test_the_order_of_the_labels_does_not_matter_and_their_borders_do() -> None:
    assert fingerprint({"a": "1", "b": "2"}) == fingerprint({"b": "2", "a": "1"})
    assert len({fingerprint(labels) for labels in ({"a": "bc"}, {"ab": "c"}, {"a": "b", "c": ""}, {"a": "b"})}) == 4
