"""The rules, one file each: module ``kw101_curl_without_fail`` exports ``RULE``. They are found by a scan of this folder."""
