from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "pneumoscope.web.accounts"
    label = "accounts"
