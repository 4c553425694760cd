from django.apps import AppConfig


class DashboardsConfig(AppConfig):
    name = "pneumoscope.web.dashboards"
    label = "dashboards"
