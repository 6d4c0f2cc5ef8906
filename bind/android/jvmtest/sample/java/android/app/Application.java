package android.app;

import android.content.Context;

/** The application. */
public class Application extends Context {}
