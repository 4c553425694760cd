from django import template

from pneumoscope.web.dashboards import words

register = template.Library()
register.filter("count_words", words.count)
register.filter("share_words", words.share)
register.filter("interval_words", words.interval)
